#!/usr/bin/env bash
# Runs the fleet's tests on a recent release of nats-server; Debian's is years older. Needs Go and its module proxy: without
# them it ends with 77, which the gate counts neither as passed nor as failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=v2.15.3
command -v go >/dev/null || { echo 'no Go to build nats-server with'; exit 77; }
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
GOBIN=$bin go install "github.com/nats-io/nats-server/v2@$version" 2>"$bin/log" || {
  echo "nats-server $version could not be built: $(tail -n 1 "$bin/log")"
  exit 77
}
"$bin/nats-server" --version
PATH="$bin:$PATH" npx vitest run test/fleet
