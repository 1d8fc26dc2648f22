#!/bin/sh
# Runs the tests, or those that are named, as on a machine where ZeroMQ's library is not installed.
set -eu
cd "$(dirname "$0")/.."
mv node_modules/zeromq node_modules/.zeromq
trap 'mv node_modules/.zeromq node_modules/zeromq' EXIT
trap 'exit 130' INT TERM
npx vitest run "$@"
