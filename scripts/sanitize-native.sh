#!/bin/sh
# Compiles the kernels, the forward pass, the scan and the hash with the address and undefined-behaviour sanitizers into
# test programs and runs them at every level of this processor. Needs only a C++ compiler; takes about a minute.
set -eu
cd "$(dirname "$0")/../native"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cxx=${CXX:-c++}
flags="-std=gnu++20 -O1 -g -I. -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -pthread
  -Wno-psabi -Wno-ignored-attributes -ffp-contract=fast -fno-math-errno -fno-trapping-math"
avx2="-mavx2 -mfma -mf16c -mbmi2 -maes"
avx512="$avx2 -mvaes -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512"

compile() { # object, flags..., source
  object=$1
  shift
  # shellcheck disable=SC2086
  $cxx $flags "$@" -c -o "$out/$object.o" &
  running=$((running + 1))
  if [ "$running" -ge 2 ]; then wait; running=0; fi
}
running=0

# shellcheck disable=SC2086
case $(uname -m) in
x86_64)
  arch=-DQUARRY_X86=1
  for family in compose kernels distance; do
    [ $family = compose ] || compile "$family-avx512bf16" $avx512 -mavx512bf16 "$family/${family}_avx512bf16.cc"
    compile "$family-avx2" $avx2 "$family/${family}_avx2.cc"
    compile "$family-avx512" $avx512 "$family/${family}_avx512.cc"
  done
  compile hash-avx2 $avx2 hash/blake2b_avx2.cc
  compile hash-avx512 $avx512 hash/blake2b_avx512.cc
  ;;
aarch64 | arm64)
  arch=-DQUARRY_ARM64=1
  compile kernels-neon kernels/kernels_neon.cc
  compile kernels-neonbf16 -march=armv8.2-a+bf16 kernels/kernels_neonbf16.cc
  compile hash-neonaes -march=armv8-a+crypto hash/hashing_cipher_neon.cc
  compile distance-neon distance/distance_neon.cc
  compile compose-neon compose/compose_neon.cc
  ;;
*) arch= ;;
esac
for source in platform/file_posix platform/memory_posix platform/processor_posix kernels/kernels_serial compose/compose_serial distance/distance_serial hash/blake2b_serial kernels/dispatch core/cpu \
  core/thread_pool forward/noise forward/rope_tables forward/packed_weights forward/weights_packer \
  core/file_writer forward/weights_stream forward/forward backward/gradient_pass backward/mixture_gradient forward/model \
  compose/compose_dispatch compose/products compose/row_pool compose/search distance/distance_dispatch distance/mapped_file distance/scan hash/blake2b hash/hashing_cipher; do
  compile "$(basename "$source")" $arch "$source.cc"
done
wait
for program in kernels_test distance_hash_test weights_test; do
  # shellcheck disable=SC2086
  $cxx $flags $arch "test/$program.cc" "$out"/*.o -o "$out/$program"
  "$out/$program"
done
echo "sanitizers: clean"
