#!/usr/bin/env bash
# Tests with Ray, one by one, and beside them those without; what the latter say is shown when both are done.
# Words are handed to both: `side_by_side.sh -k resume`.
set -uo pipefail
cd "$(dirname "$0")/../.."
said=$(mktemp)
trap 'rm -f "$said"' EXIT
begin() { .venv/bin/python -m pytest --durations=20 "$@" tests/integration tests/chaos; }

begin -m "not ray" "$@" >"$said" 2>&1 &
begin -m ray "$@"
with=$?
wait $!
without=$?
cat "$said"
exit $((with | without))
