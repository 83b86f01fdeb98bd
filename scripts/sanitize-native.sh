#!/bin/sh
# Compiles the kernels and the forward pass with the address and undefined-behaviour sanitizers into a test program and
# runs it at every level of this processor. Needs only a C++ compiler; takes about a minute.
set -eu
cd "$(dirname "$0")/../native"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cxx=${CXX:-c++}
flags="-std=gnu++20 -O1 -g -I. -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -pthread
  -Wno-psabi -Wno-ignored-attributes -ffp-contract=fast -fno-math-errno -fno-trapping-math"
avx2="-mavx2 -mfma -mf16c -mbmi2"
avx512="$avx2 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512"

compile() { # object, flags..., source
  object=$1
  shift
  # shellcheck disable=SC2086
  $cxx $flags "$@" -c -o "$out/$object.o" &
  running=$((running + 1))
  if [ "$running" -ge 2 ]; then wait; running=0; fi
}
running=0

case $(uname -m) in
x86_64)
  arch=-DQUARRY_X86=1
  # shellcheck disable=SC2086
  {
    compile k-avx2 $avx2 kernels/kernels_avx2.cc
    compile k-avx512 $avx512 kernels/kernels_avx512.cc
    compile k-avx512bf16 $avx512 -mavx512bf16 kernels/kernels_avx512bf16.cc
  }
  ;;
aarch64 | arm64)
  arch=-DQUARRY_ARM64=1
  compile k-neon kernels/kernels_neon.cc
  ;;
*) arch= ;;
esac
compile k-serial kernels/kernels_serial.cc
# shellcheck disable=SC2086
for source in kernels/dispatch core/cpu core/thread_pool forward/noise forward/rope_tables forward/packed_weights \
  forward/forward forward/model test/kernels_test; do
  compile "$(basename "$source")" $arch "$source.cc"
done
wait
# shellcheck disable=SC2086
$cxx $flags "$out"/*.o -o "$out/kernels_test"
"$out/kernels_test"
echo "sanitizers: clean"
