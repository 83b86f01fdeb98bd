#!/usr/bin/env bash
# Measures a GPU through WebGPU and writes one JSON file; small and slow where no adapter but a program answers.
#   bash bench/gpu.sh [result.json] [--quick]     in a clone that is built, or in an unpacked bundle
#   bash bench/gpu.sh pack [bundle.tar.gz]        makes the bundle: Node and all that is needed, for a Linux machine with nothing
#                                                 but the driver
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
node=$root/runtime/node
[ -x "$node" ] || node=node

if [ "${1:-}" = pack ]; then
  shift
  exec "$node" "$root/scripts/pack-gpu-bench.mjs" "$@"
fi

# Whether the dynamic loader finds a library, or for an add-on, all that it needs.
finds() {
  LD_LIBRARY_PATH=${libraries:-${LD_LIBRARY_PATH:-}} "$node" -e '
    try { process.dlopen({ exports: {} }, process.argv[1]); }
    catch (error) { process.exitCode = /cannot open shared|version `/.test(String(error)) ? 1 : 0; }
  ' "$1" 2>/dev/null
}

# What the machine has goes first: its C++ runtime and Vulkan loader are newer or were made for its driver.
libraries=${LD_LIBRARY_PATH:-}
add() { libraries=$1${libraries:+:$libraries}; }
if [ -d "$root/runtime" ]; then
  finds "$root/native/build/Release/quarry.node" || add "$root/runtime/c++"
  finds libvulkan.so.1 || add "$root/runtime/vulkan"
fi
export LD_LIBRARY_PATH=$libraries

# In containers the driver's libraries are often there and the file that names them to the Vulkan loader is not.
if [ -e /proc/driver/nvidia/version ] && [ -z "${VK_ICD_FILENAMES:-}${VK_DRIVER_FILES:-}" ] &&
  ! compgen -G '/usr/share/vulkan/icd.d/nvidia*' >/dev/null && ! compgen -G '/etc/vulkan/icd.d/nvidia*' >/dev/null; then
  named=$(mktemp -d)
  trap 'rm -rf "$named"' EXIT
  for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    finds "$library" || continue
    printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}\n' "$library" >"$named/nvidia.json"
    export VK_DRIVER_FILES=$named/nvidia.json
    break
  done
fi

"$node" "$root/dist/bench/gpu-report.js" "$@"
