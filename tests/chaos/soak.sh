#!/usr/bin/env bash
# Twenty minutes of killing a sweep's driver at random moments; the seed is printed.
set -euo pipefail
cd "$(dirname "$0")/../.."
end=$(($(date +%s) + 1200))
while [ "$(date +%s)" -lt "$end" ]; do
    SWEEPER_CHAOS_KILLS=10 .venv/bin/python -m pytest -q -s tests/chaos
done
