# SPDX-License-Identifier: Apache-2.0
# The distribution's packages. Asks dpkg what is there; apt only when something is missing.

# packages_missing [KIND]: one name a line; with `test` or `fuzz` also what only these need.
packages_missing() {
  local with=${1:-none} line names name installed found
  installed=$'\n'$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^[hi]i *//p')$'\n'
  while read -r line; do
    names=${line%%#*}
    names=${names// /}
    names=${names#"$with":}
    if [[ $names == *:* ]]; then continue; fi
    if [[ -z $names ]]; then continue; fi
    found=
    for name in ${names//|/ }; do
      if [[ $installed == *$'\n'"$name"$'\n'* ]]; then found=1; fi
    done
    if [[ -z $found ]]; then printf '%s\n' "${names%%|*}"; fi
  done <"$LOCAL/packages.txt"
}

packages_ensure() {
  local with=${1:-}
  local missing
  if ! command -v dpkg-query >/dev/null; then
    die "this system has no dpkg" "Riser's local stack is made of Debian's or Ubuntu's packages" \
      "use Debian 12, Debian 13 or Ubuntu 24.04"
  fi
  mapfile -t missing < <(packages_missing "$with")
  if ((${#missing[@]} == 0)); then return 0; fi
  root_ensure "${missing[@]}"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  packages_install "${missing[@]}"
  mapfile -t missing < <(packages_missing "$with")
  if ((${#missing[@]})); then
    die "still missing after the installation: ${missing[*]}" "apt-get reported success but dpkg doesn't list them" \
      "install them by hand and try again"
  fi
}

# root_ensure PACKAGE...: whether this user may install at all, before anything is tried; sudo may ask for a password.
root_ensure() {
  if ((EUID == 0)); then return 0; fi
  if ! command -v sudo >/dev/null || ! sudo -v; then
    die "packages are missing: $*" "installing them needs root, and this user ($(id -un)) may not use sudo" \
      "run this once as root: apt-get install $*"
  fi
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null
}

packages_install() {
  local log
  writable "$RISER_CACHE"
  log=$RISER_CACHE/apt.log
  : >"$log"
  # The lists of a fresh machine are empty, those of an old one name files that are gone: then update and once more.
  if ! apt_get install --simulate "$@" >>"$log" 2>&1; then packages_update "$log"; fi
  daemons_hold "$@"
  if ! apt_get install --no-install-recommends "$@" >>"$log" 2>&1; then
    packages_update "$log"
    if ! apt_get install --no-install-recommends "$@" >>"$log" 2>&1; then
      daemons_release "$@"
      tail -n 15 "$log" | sed 's/^/  | /' >&2
      die "apt-get install failed" "see the lines above" "mend that (all of it: $log), then run the same command again"
    fi
  fi
  daemons_release "$@"
}

packages_update() {
  if ! apt_get update >>"$1" 2>&1; then
    tail -n 15 "$1" | sed 's/^/  | /' >&2
    die "apt-get update failed" "see the lines above: most often no network, or a wrong line in /etc/apt" \
      "mend that (all of it: $1), then run the same command again"
  fi
}

# The packages mosquitto and redis-server start daemons on the standard ports. Ours have ports and data of their own, so
# when it is we who install such a package its daemon isn't started, now or at boot. One that was there before is left alone.
readonly POLICY=/usr/sbin/policy-rc.d
DAEMON_PACKAGES=(mosquitto redis-server)
POLICY_IS_OURS=

daemons_hold() {
  local name
  for name in "${DAEMON_PACKAGES[@]}"; do
    if [[ " $* " == *" $name "* && ! -e $POLICY ]]; then
      POLICY_IS_OURS=1
      at_exit policy_release
      as_root tee "$POLICY" >/dev/null <<'EOF'
#!/bin/sh
# Written by Riser's driver while it installs packages; removed again by it.
case "$1" in mosquitto | redis-server | redis) exit 101 ;; *) exit 0 ;; esac
EOF
      as_root chmod 755 "$POLICY"
      return 0
    fi
  done
}

policy_release() {
  if [[ -n $POLICY_IS_OURS ]]; then
    as_root rm -f "$POLICY"
    POLICY_IS_OURS=
  fi
}

daemons_release() {
  local name
  policy_release
  for name in "${DAEMON_PACKAGES[@]}"; do
    if [[ " $* " != *" $name "* ]]; then continue; fi
    if command -v systemctl >/dev/null; then
      as_root systemctl --quiet disable "$name.service" >/dev/null 2>&1 || say "note: $name.service could not be disabled at boot"
    elif command -v update-rc.d >/dev/null; then
      as_root update-rc.d "$name" disable >/dev/null 2>&1 || say "note: $name could not be disabled at boot"
    fi
  done
}
