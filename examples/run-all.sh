#!/usr/bin/env bash
# Runs every example against servers on this machine. Needs `npm run build` (the examples import the package by its name).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
tsx=$root/node_modules/.bin/tsx
dir=$(mktemp -d)
servers=()
failed=0
trap 'for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null; done; wait; rm -rf "$dir" "${snippets:-}"' EXIT
cd "$dir" || exit 1

# serve NAME COMMAND…: starts a server and exports what it prints, once its last line is there.
serve() {
  local name=$1 lines=$2
  shift 2
  "$@" >"$name.env" 2>"$name.err" &
  servers+=($!)
  for _ in $(seq 300); do
    [ "$(wc -l <"$name.env")" -ge "$lines" ] && break
    kill -0 "${servers[-1]}" 2>/dev/null || break
    sleep 0.2
  done
  if [ "$(wc -l <"$name.env")" -lt "$lines" ]; then
    echo "the server $name did not start:"
    tail -n 5 "$name.err"
    exit 1
  fi
  set -a
  # shellcheck disable=SC1090
  source "./$name.env"
  set +a
}

# example EXPECTED FILE ARGUMENTS…: runs one; its output must hold the expected text.
example() {
  local expected=$1 file=$2
  shift 2
  printf '\n$ npx tsx examples/%s %s\n' "$file" "$*"
  timeout 180 "$tsx" "$root/examples/$file" "$@" >out 2>&1
  local status=$?
  tail -n 12 out
  if [ $status -ne 0 ] || ! grep -q -- "$expected" out; then
    echo "FAILED: examples/$file: exit $status, expected \"$expected\""
    failed=$((failed + 1))
  fi
}

serve soma 5 "$tsx" "$root/examples/demo-network.ts" "$dir/network"
mkdir corpus && cp "$root"/README.md "$root"/docs/*.md corpus/
example 'targets seen' soma-targets.ts 2
example 'hit 0x' soma-submit-hit.ts corpus/ARCHITECTURE.md
example 'accepted: [1-9].*rejected: 0' soma-agent.ts corpus
example 'hit at' soma-own-samples.ts
example 'is active: true' soma-publish-model.ts "$EXAMPLE_WEIGHTS"
# The snippets of the documentation are one program; it has to lie where the package's name is known.
snippets=$(mktemp "$root/examples/.docs-XXXXXX.ts")
sed -n '/^```ts$/,/^```$/p' "$root/docs/soma-client.md" | grep -v '^```' >"$snippets"
example 'INSUFFICIENT_FUNDS' "${snippets##*/}"
rm -f "$snippets"

serve flock 5 node "$root/bin/quarry.js" flock demo --serve
example 'parameters' flock-tasks.ts
mkdir outputs
echo '{"peft_type":"LORA","r":8,"base_model_name_or_path":"Qwen/Qwen2.5-7B"}' >outputs/adapter_config.json
node -e '
  const header = Buffer.from(JSON.stringify({ "lora_A.weight": { dtype: "F32", shape: [8, 16], data_offsets: [0, 512] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  require("node:fs").writeFileSync("outputs/adapter_model.safetensors", Buffer.concat([length, header, Buffer.alloc(512)]));
'
example 'submitted' flock-publish.ts 7 demo-miner/task-7-Qwen2.5-7B outputs
example 'scoring' flock-validator.ts 7

example 'verified: true' aitbc-client.ts
serve aitbc 5 node "$root/bin/quarry.js" aitbc serve --port 0
"$tsx" "$root/examples/aitbc-miner.ts" >miner.out 2>&1 &
servers+=($!)
job=$(node "$root/bin/quarry.js" aitbc jobs create --file "$root/examples/aitbc-job.json" --json 2>job.err)
job_id=$(node -e 'const { jobId, job_id } = JSON.parse(process.argv[1]); console.log(jobId ?? job_id)' "$job" 2>/dev/null)
node "$root/bin/quarry.js" aitbc jobs wait "$job_id" --wait-seconds 60 --poll-ms 500 >results 2>&1
printf '\n$ npx tsx examples/aitbc-miner.ts\n'
tail -n 5 miner.out
if ! grep -q words results; then
  echo "FAILED: examples/aitbc-miner.ts: $(cat job.err results)"
  failed=$((failed + 1))
fi
# The miner keeps the receipt once the server has the result, so whoever waits for the result may be quicker.
for _ in $(seq 300); do
  receipt=$(find aitbc-receipts -name '*.json' 2>/dev/null | head -n 1)
  [ -n "$receipt" ] && break
  sleep 0.2
done
example 'intact and trusted' aitbc-verify-receipt.ts "${receipt:-none}" "$AITBC_TRUSTED_SIGNERS" "$AITBC_TRUSTED_ATTESTERS"

printf '\nexamples: %d failed\n' "$failed"
[ "$failed" -eq 0 ]
