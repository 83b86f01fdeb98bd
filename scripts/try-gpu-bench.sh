#!/usr/bin/env bash
# Packs bench/gpu.sh, unpacks it in an empty folder and runs it there with no network, no settings and no PATH but the
# system's, on a software Vulkan driver. Needs a build; takes a minute or two.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
driver=/usr/lib/chromium/vk_swiftshader_icd.json
[ "$(uname -s)" = Linux ] && [ -e "$driver" ] || { echo 'skipped: no software Vulkan driver'; exit 0; }
empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
bash "$root/bench/gpu.sh" pack "$empty/bundle.tar.gz"
tar -C "$empty" -xzf "$empty/bundle.tar.gz"
cd "$empty"
offline=(unshare -n -r)
"${offline[@]}" true 2>/dev/null || { echo 'with a network: it cannot be taken away here'; offline=(); }
env -i PATH=/bin HOME="$empty" VK_ICD_FILENAMES="$driver" "${offline[@]}" /bin/bash quarry-gpu-bench/bench/gpu.sh result.json
"$empty/quarry-gpu-bench/runtime/node" -e '
  const { status, results } = JSON.parse(require("node:fs").readFileSync("result.json", "utf8"));
  const checked = results.filter(({ error }) => error !== null).map((each) => each.case);
  console.log(status, checked);
  if (status !== "done" || checked.length < 3) process.exit(1);
'
