#!/bin/sh
# Compiles the native core for 64-bit ARM and runs its test programs at the levels `serial`, `neon` and `neonbf16` in an emulator, so
# that results are checked, not only compilation. Undefined behaviour ends a program. Needs Debian's
# g++-aarch64-linux-gnu and qemu-user-static; skips with a message without them.
set -eu
cd "$(dirname "$0")/../native"
cxx=${AARCH64_CXX:-aarch64-linux-gnu-g++}
qemu=${AARCH64_QEMU:-qemu-aarch64-static}
for tool in "$cxx" "$qemu"; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: $tool is not installed (Debian packages g++-aarch64-linux-gnu and qemu-user-static)"
    exit 0
  fi
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags="-std=gnu++20 -O1 -I. -DQUARRY_ARM64=1 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-psabi -pthread
  -ffp-contract=fast -fno-math-errno -fno-trapping-math -fsanitize=undefined -fsanitize-undefined-trap-on-error"

for source in */*.cc; do
  case $source in
  *_avx* | binding/* | build/* | fuzz/* | test/*) continue ;;
  esac
  echo "$source"
done | xargs -P 2 -I '{}' sh -c '
  object=$(echo "$3" | tr / - | sed "s/\.cc$/.o/")
  case $3 in
  *_neonbf16.cc) set -- "$1" "$2 -march=armv8.2-a+bf16" "$3" "$4" ;;
  *hashing_cipher_neon.cc) set -- "$1" "$2 -march=armv8-a+crypto" "$3" "$4" ;;
  esac
  # shellcheck disable=SC2086
  $1 $2 -c -o "$4/$object" "$3"' sh "$cxx" "$flags" '{}' "$out"
for program in kernels_test distance_hash_test; do
  # shellcheck disable=SC2086
  $cxx $flags -static "test/$program.cc" "$out"/*.o -o "$out/$program"
  # `max` has every extension the emulator knows, bf16 and AES among them.
  "$qemu" -cpu max "$out/$program"
done
echo "neon, neonbf16: same results as serial, under $qemu"
