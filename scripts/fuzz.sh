#!/bin/sh
# Runs every fuzz target for a number of seconds each: scripts/fuzz.sh [SECONDS] [SEED]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
for target in fuzz/*.ts; do
  echo "fuzz: $target, $seconds s" >&2
  node_modules/.bin/node "$target" "$seconds" ${2:+"$2"}
done
