#!/usr/bin/env bash
# Runs the fleet's tests on the current release of nats-server; Debian's is years older. Needs Go and its module proxy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v go >/dev/null || { echo 'skipped: no Go to build nats-server with'; exit 0; }
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
GOBIN=$bin go install github.com/nats-io/nats-server/v2@latest 2>"$bin/log" || {
  echo "skipped: nats-server could not be built: $(tail -n 1 "$bin/log")"
  exit 0
}
"$bin/nats-server" --version
PATH="$bin:$PATH" npx vitest run test/fleet
