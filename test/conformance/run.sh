#!/usr/bin/env bash
# Runs the official Python SDK against the devnet, beside our client. Prints a table and fails on any difference. Where
# Python, venv or the package index is missing it says so and passes.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

skip() {
  echo "SKIPPED: official SDK against the devnet: $1"
  exit 0
}

sdk=soma-sdk==0.1.15
venv=${QUARRY_SDK_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/quarry-conformance/$sdk}
if ! "$venv/bin/python" -c 'import soma_sdk' 2>/dev/null; then
  command -v python3 >/dev/null || skip 'python3 is not installed'
  python3 -m venv --clear "$venv" >/dev/null 2>&1 || skip 'python3 cannot make a venv (Debian: python3-venv)'
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$sdk" 2>"$venv/pip.log" \
    || skip "pip cannot install $sdk here: $(tail -n 1 "$venv/pip.log")"
  "$venv/bin/python" -c 'import soma_sdk' || skip "$sdk does not load on this machine"
fi
exec node_modules/.bin/tsx test/conformance/main.ts "$venv/bin/python"
