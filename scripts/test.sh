#!/bin/sh
# `npm test`: sets up what is missing, then types, lint, format and all tests with the project's Node.
set -eu

self=$(readlink -f -- "$0")
cd -- "${self%/*}/.."
sh scripts/setup.sh --tests
PATH="$PWD/node_modules/.bin:$PATH" exec npm run check
