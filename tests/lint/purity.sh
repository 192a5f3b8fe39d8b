#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds pure libraries to their word: no I/O, no clock, no threads, no environment, no floating point, no variables.
#   purity.sh LIBRARY.a...           every undefined symbol must be another one's of these, or stand on the list below
#   purity.sh --sources FOLDER...    no float or double in the code
set -eu

# What pure code may call: memory, strings, sorting; of lib/base what does neither I/O nor time.
allowed='
__assert_fail
__stack_chk_fail
__divmodti4 __divti3 __modti3 __udivti3 __umodti3 __multi3 __muloti4
malloc calloc realloc free qsort bsearch abs labs
memcpy memmove memset memcmp memchr
strlen strnlen strcmp strncmp strchr strrchr strspn strcspn strstr strdup
__memcpy_chk __memmove_chk __memset_chk
arena_new arena_free arena_reset arena_alloc arena_alloc_raw arena_array arena_strdup arena_text arena_printf arena_bytes arena_used
buffer_init buffer_fini buffer_clear buffer_reserve buffer_append buffer_append_text buffer_append_byte buffer_text
bytes_text bytes_equal bytes_compare bytes_equal_text bytes_is_utf8 bytes_utf8_cut bytes_utf8_copy
hash_begin hash_add hash_end hmac_begin hmac_add hmac_end hmac_equal
hex_encode hex_decode decimal_parse decimal_format crc32c murmur2
error_class error_name error_by_name
'

fail=0
say() { echo "purity: $*" >&2; fail=1; }

if [ "${1:-}" = --sources ]; then
  shift
  found=$(grep -rnwE 'float|double' --include='*.[ch]' "$@" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*//' || true)
  [ -z "$found" ] || say "floating point: $found"
  exit $fail
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for library in "$@"; do
  [ -f "$library" ] || { say "no such library: $library"; exit 1; }
  nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' >>"$work/defined"
  nm -u "$library" | awk -v from="$(basename "$library")" '$1 == "U" { print $2, from }' >>"$work/undefined"
  # Writable data would be a global variable. (Constants that hold addresses are in .data.rel.ro.)
  objdump -h "$library" | awk '$2 == ".data" || $2 == ".bss" || $2 ~ /^\.(data|bss)\.[^r]/ { print $2, $3 }' |
    grep -vE ' 0+$' >"$work/variables" || true
  if [ -s "$work/variables" ] && ! nm -u "$library" | grep -q __asan_; then say "$library has variables"; fi
done
echo "$allowed" | tr ' ' '\n' >>"$work/defined"
sort -u "$work/defined" >"$work/known"
[ -s "$work/undefined" ] || say "nothing was looked at"
sort -u "$work/undefined" | while read -r symbol from; do
  case $symbol in __asan_* | __ubsan_* | __tsan_* | __gcov_* | _GLOBAL_OFFSET_TABLE_) continue ;; esac
  grep -qxF "$symbol" "$work/known" || echo "$from uses $symbol"
done >"$work/impure"
[ -s "$work/impure" ] && say "not pure: $(cat "$work/impure")"
exit $fail
