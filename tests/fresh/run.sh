#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the driver on a clean root of a Debian suite: what somebody with a fresh machine and a clean checkout gets.
#
#   tests/fresh/run.sh SUITE [COMMAND...]      SUITE: bookworm, trixie
#
# COMMAND runs in the checkout (default: the engines up, and down). Its ports begin at $RISER_PORT_BASE (24000) and
# $RISER_TEST_PORT_BASE (25000), since the network is this machine's. Needs root, debootstrap, and this machine's apt
# sources. The untouched root is kept as an archive in $RISER_FRESH (default /var/tmp/riser-fresh) and unpacked anew for
# every run; the checkout is a clone of the last commit. Mounts and processes end with the script (own namespaces).
set -euo pipefail

say() { printf '%s\n' "fresh: $*" >&2; }

die() {
  say "$*"
  exit 1
}

repo=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
folder=${RISER_FRESH:-/var/tmp/riser-fresh}

# The mirror of this machine's first Debian source.
mirror() {
  cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
    sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' | head -n 1 || true
}

# make_archive SUITE FILE: the smallest root that debootstrap makes, with the suite's own sources.
make_archive() {
  local suite=$1 file=$2 root=$2.root source
  source=$(mirror)
  [[ -n $source ]] || die "no Debian mirror in /etc/apt: this needs a Debian machine"
  say "debootstrap $suite"
  rm -rf "$root"
  debootstrap --variant=minbase "$suite" "$root" "$source" >"$file.log" 2>&1 || die "debootstrap failed, see $file.log"
  printf 'deb %s %s main\ndeb %s %s-updates main\n' "$source" "$suite" "$source" "$suite" >"$root/etc/apt/sources.list"
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb
  tar -C "$root" -cf "$file.part" .
  mv "$file.part" "$file"
  rm -rf "$root"
}

# make_root ARCHIVE ROOT: unpacked, with the checkout and the certificates that this machine's network asks for.
make_root() {
  local archive=$1 root=$2
  rm -rf "$root"
  mkdir -p "$root"
  tar -C "$root" -xf "$archive"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  cp -L /etc/hosts "$root/etc/hosts"
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
  fi
  git clone --quiet --no-hardlinks "$repo" "$root/root/riser"
}

# run_inside ROOT COMMAND: no environment of this machine, no standard input; all mounts are private.
run_inside() {
  local root=$1 command=$2
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --pid --fork --kill-child bash -c '
    set -e
    mount --make-rprivate /
    mount --bind "$1" "$1" # a root of its own: what makes a mount namespace inside asks for one
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      LANG=C.UTF-8 RISER_PORT_BASE="$3" RISER_TEST_PORT_BASE="$4" bash -c "cd /root/riser && $2"' \
    inside "$root" "$command" "${RISER_PORT_BASE:-24000}" "${RISER_TEST_PORT_BASE:-25000}" </dev/null
}

main() {
  local suite=${1:-} command archive
  [[ -n $suite ]] || die "usage: tests/fresh/run.sh SUITE [COMMAND...]"
  shift
  command=${*:-./riser up --engines && ./riser down}
  ((EUID == 0)) || die "making a root needs to be root"
  command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
  archive=$folder/$suite.tar
  mkdir -p "$folder"
  if [[ ! -e $archive ]]; then make_archive "$suite" "$archive"; fi
  make_root "$archive" "$folder/$suite"
  say "$suite: $command"
  run_inside "$folder/$suite" "$command"
  say "$suite: passed: $command"
}

main "$@"
