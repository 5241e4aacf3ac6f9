#!/bin/sh
# Print the path of a Chromium or Chrome for the browser tests: the system's, else Debian's (as root), else Playwright's.
set -eu
cd "$(dirname "$0")/.."

system_browser() {
  for candidate in "${HEADWAY_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    [ -n "$candidate" ] && command -v "$candidate" 2>/dev/null && return 0
  done
  return 1
}

if found=$(system_browser); then
  echo "· browser: $found (found on this machine)" >&2
  printf '%s\n' "$found"
  exit
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "· browser: none found, installing Debian's chromium" >&2
  if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium fonts-liberation; } >&2 && found=$(system_browser); then
    printf '%s\n' "$found"
    exit
  fi
fi
echo "· browser: none found, downloading Playwright's own chromium" >&2
node=$(scripts/node_env.sh)
PATH=$node:$PATH
(cd frontend && npm exec --no -- playwright install chromium) >&2
(cd frontend && node -e 'process.stdout.write(require("@playwright/test").chromium.executablePath() + "\n")')
