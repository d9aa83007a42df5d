#!/bin/sh
# Types, lint and format: lint takes as long as both others, and runs beside them.
set -eu

self=$(readlink -f -- "$0")
cd -- "${self%/*}/.."
mkdir -p .cache
npm run lint >.cache/lint.log 2>&1 &
lint=$!
failed=
npm run types || failed="$failed types"
npm run format:check || failed="$failed format"
wait "$lint" || failed="$failed lint"
cat .cache/lint.log
[ -z "$failed" ] || {
  echo "check: failed:$failed" >&2
  exit 1
}
