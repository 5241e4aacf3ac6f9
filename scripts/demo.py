"""`make run`: serve the examples, start the audit of this environment, follow it here, go on serving."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADWAY = str(Path(sys.executable).parent / "headway")
HOST, PORT = "127.0.0.1", os.environ.get("HEADWAY_PORT", "8321")
URL = f"http://{HOST}:{PORT}"
WORKFLOW = "audit_environment"
START_WITHIN_S = 60.0


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal ends the server too
        signal.signal(number, interrupt)
    data = ROOT / ".cache" / "demo"
    data.mkdir(parents=True, exist_ok=True)
    examples = sorted(str(path) for path in (ROOT / "examples").glob("*.py"))
    environment = {**os.environ, "HEADWAY_DATABASE": f"sqlite:///{data / 'headway.db'}", "HEADWAY_URL": URL}
    serve = subprocess.Popen(
        [HEADWAY, "serve", *examples, "--host", HOST, "--port", PORT, "--log-level", "warning"],
        env=environment,
        start_new_session=True,  # Ctrl-C reaches this script, which ends the server in order
    )
    try:
        if not is_ready(serve):
            return serve.wait() or 1
        run = [HEADWAY, "run", f"{ROOT / 'examples' / 'audit_environment.py'}:{WORKFLOW}"]
        say(f"Open {URL}/workflows/{WORKFLOW} to watch the same execution in the browser.")
        open_browser()
        with contextlib.suppress(KeyboardInterrupt):
            subprocess.run(run, env=environment, check=False)
        say(f"Serving {URL} until Ctrl-C. Start more from the browser, or: headway run FILE:WORKFLOW")
        return serve.wait()
    except KeyboardInterrupt:
        say("Stopping.")
        return 0
    finally:
        stop(serve)


def is_ready(serve: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and serve.poll() is None:
        if answers("readyz") and answers(f"api/workflows/{WORKFLOW}"):
            return True
        time.sleep(0.1)
    return False


def answers(path: str) -> bool:
    """The server may be up before its worker has imported the files."""
    try:
        with urllib.request.urlopen(f"{URL}/{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def open_browser() -> None:
    has_display = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display and sys.stdout.isatty():
        webbrowser.open(f"{URL}/workflows/{WORKFLOW}")


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def stop(serve: subprocess.Popen[bytes]) -> None:
    if serve.poll() is None:
        serve.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            serve.wait(timeout=20)
    if serve.poll() is None:
        serve.kill()
        serve.wait()


def say(text: str) -> None:
    width = shutil.get_terminal_size((100, 24)).columns
    sys.stdout.write(f"\n{text}\n{'─' * min(width, len(text))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
