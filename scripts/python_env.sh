#!/bin/sh
# Create backend/.venv from the lock file. Needs Python 3.11 or newer, nothing else; safe to repeat.
set -eu
cd "$(dirname "$0")/.."
UV_VERSION=0.13.9
tools=.cache/tools

say() { printf '%s\n' "· $*"; }

find_python() {
  for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
}

python=$(find_python)
if [ -z "$python" ]; then
  echo "Headway needs Python 3.11 or newer; install it, or set PYTHON=/path/to/python." >&2
  exit 1
fi

if command -v uv >/dev/null 2>&1; then
  uv=uv
elif [ -x "$tools/bin/uv" ]; then
  uv=$tools/bin/uv
else
  say "fetching uv $UV_VERSION (the installer that reads our lock file) into $tools"
  "$python" -m pip install --quiet --disable-pip-version-check --target "$tools" "uv==$UV_VERSION" 2>/dev/null ||
    { "$python" -m venv "$tools" && "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"; } ||
    { echo "Could not install uv: this Python has neither pip nor venv (on Debian: apt-get install python3-venv)." >&2; exit 1; }
  uv=$tools/bin/uv
fi

say "Python environment: backend/.venv, from backend/uv.lock"
cd backend
case $uv in uv) ;; *) uv=../$uv ;; esac
"$uv" sync --frozen --inexact --quiet --python "$(command -v "$python")" "$@"
