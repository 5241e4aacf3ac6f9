#!/bin/sh
# Run an npm command in frontend/ with the right Node: `scripts/front_end.sh run test -- websocket`.
set -eu
cd "$(dirname "$0")/.."
PATH=$(scripts/node_env.sh):$PATH
export PATH
cd frontend
exec npm "$@"
