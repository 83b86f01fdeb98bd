#!/usr/bin/env bash
# Fuzzes what the native core does with untrusted bytes and sizes: native/fuzz/*_fuzz.cc, built with libFuzzer and the
# address and undefined-behaviour sanitizers, two at a time. Needs clang with its runtime (Debian: clang, libclang-rt-dev); skips
# with a message without it.
#   fuzz-native.sh [--minutes N | --seconds N] [--seed N] [--only NAME]     N for all targets together, 10 minutes by default
# Inputs that break a target are kept in native/build/fuzz/found; `native/build/fuzz/bin/TARGET FILE` runs it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../native"
seconds=600 seed=$((RANDOM * 32768 + RANDOM + 1)) only=
while [ $# -gt 0 ]; do
  case $1 in
  --minutes) seconds=$(awk -v n="$2" 'BEGIN { print int(n * 60) }') ;;
  --seconds) seconds=$2 ;;
  --seed) seed=$2 ;;
  --only) only=$2 ;;
  *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
cxx=${CLANGXX:-clang++}
if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
  "$cxx" -fsanitize=fuzzer,address -x c++ - -o /dev/null 2>/dev/null; then
  echo 'skipped: clang with its runtime is not installed (Debian packages clang and libclang-rt-dev)'
  exit 0
fi

out=build/fuzz
mkdir -p "$out/objects" "$out/bin" "$out/found"
export cxx out flags="-std=gnu++20 -O1 -g1 -I. -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -pthread
  -Wno-psabi -ffp-contract=fast -fno-math-errno -fno-trapping-math -MMD"
case $(uname -m) in
x86_64) flags="$flags -DQUARRY_X86=1" levels='_avx' ;;
aarch64 | arm64) flags="$flags -DQUARRY_ARM64=1" levels='_neon' ;;
*) levels='_none' ;;
esac

compile() {
  local source=$1 object kind=fuzzer-no-link isa=
  object=$out/objects/$(echo "${source%.cc}" | tr / -).o
  case $source in
  fuzz/*) kind=fuzzer ;;
  *_avx2.cc) isa='-mavx2 -mfma -mf16c -mbmi2 -maes' ;;
  *_avx512*) isa='-mavx2 -mfma -mf16c -mbmi2 -maes -mvaes -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512' ;;
  *_neonbf16.cc) isa='-march=armv8.2-a+bf16' ;;
  *hashing_cipher_neon.cc) isa='-march=armv8-a+crypto' ;;
  esac
  case $source in *_avx512bf16.cc) isa="$isa -mavx512bf16" ;; esac
  # Kept from run to run: made again when the source or what it includes is newer.
  local part fresh=1
  [ -f "$object" ] || fresh=0
  [ $fresh = 0 ] || for part in $(sed 's/^[^:]*://; s/\\$//' "${object%.o}.d"); do [ "$part" -ot "$object" ] || fresh=0; done
  # shellcheck disable=SC2086
  [ $fresh = 1 ] || $cxx $flags -fsanitize=$kind $isa -c -o "$object" "$source"
}
export -f compile
# The objects of these alone are linked: those of sources that are gone may lie beside them.
sources=()
for source in */*.cc; do
  case $source in
  binding/* | test/* | core/probe.cc) continue ;;
  *_avx* | *_neon*) [[ $source == *"$levels"* ]] || continue ;;
  esac
  sources+=("$source")
done
printf '%s\n' "${sources[@]}" | xargs -P 2 -I '{}' bash -c 'compile {}'
objects=()
for source in "${sources[@]}"; do
  [[ $source == fuzz/* ]] || objects+=("$out/objects/$(echo "${source%.cc}" | tr / -).o")
done

targets=()
for source in fuzz/*_fuzz.cc; do
  name=$(basename "$source" _fuzz.cc)
  [[ $name == *"$only"* ]] || continue
  targets+=("$name")
  # shellcheck disable=SC2086
  $cxx $flags -fsanitize=fuzzer "$out/objects/fuzz-${name}_fuzz.o" "${objects[@]}" -o "$out/bin/$name"
done
[ ${#targets[@]} -gt 0 ] || { echo "no target has $only in its name" >&2; exit 2; }

# The seed corpus: zeros, ones, counting bytes and noise, in lengths from a few bytes to a few thousand.
node -e '
  const { mkdirSync, writeFileSync } = require("node:fs");
  for (const dir of process.argv.slice(1)) {
    mkdirSync(dir, { recursive: true });
    let state = 1;
    const noise = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
    for (const length of [16, 64, 256, 1024, 4096]) {
      for (const [name, byte] of Object.entries({ zeros: () => 0, ones: () => 255, counts: (i) => i & 255, noise, more: noise })) {
        writeFileSync(`${dir}/seed-${name}-${length}`, Buffer.from(Array.from({ length }, (_, i) => byte(i))));
      }
    }
  }' "${targets[@]/#/$out/corpus/}"

each=$((seconds * (${#targets[@]} > 1 ? 2 : 1) / ${#targets[@]}))
# Downloads are flushed to disk, which is slow on a real one.
[ ! -w /dev/shm ] || TMPDIR=/dev/shm
TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR
export seed each=$((each > 0 ? each : 1))
echo "seed $seed, ${each} s for each of: ${targets[*]}"
fuzz() {
  local name=$1 log=$out/$1.log
  # The time is checked between inputs; one that takes a minute, on a machine that is busy, or 2 GiB is a fault.
  if "$out/bin/$name" -seed="$seed" -max_total_time="$each" -max_len=8192 -timeout=60 -rss_limit_mb=2048 \
    -artifact_prefix="$out/found/$name-" -print_final_stats=1 "$out/corpus/$name" >"$log" 2>&1; then
    awk -v name="$name" '/number_of_executed_units/ { runs = $2 } /peak_rss_mb/ { rss = $2 } / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
      END { printf "%s: %s inputs, %s edges, %s MiB resident\n", name, runs, cov, rss }' "$log"
  else
    tail -n 60 "$log"
    echo "$name: FAILED, seed $seed"
    return 1
  fi
}
export -f fuzz
printf '%s\n' "${targets[@]}" | xargs -P 2 -I '{}' bash -c 'fuzz {}'
