#!/usr/bin/env bash
# The digits sweep, start to finish, under the first name that is free: digits, digits-2, ...
set -euo pipefail
cd "$(dirname "$0")/.."
name=digits
for ((number = 2; ; number++)); do
    [ -e "runs/$name" ] || break
    name=digits-$number
done
exec .venv/bin/sweeper launch search_spaces/digits.yaml --yes -o name="$name"
