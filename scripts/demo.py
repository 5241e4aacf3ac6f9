"""`make run`: serve the examples, start the audit of this environment, follow it here, go on serving."""

import contextlib
import os
import select
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
DATA = ROOT / ".cache" / "demo"
WORKFLOW = "audit_environment"
START_WITHIN_S = 120.0
GRACE_S = 3  # what is unfinished then goes on at the next start
KILL_AFTER_S = 10.0  # past the grace


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal ends the server too
        signal.signal(number, interrupt)
    DATA.mkdir(parents=True, exist_ok=True)
    examples = sorted(str(path) for path in (ROOT / "examples").glob("*.py"))
    ours = {"HEADWAY_DATABASE": f"sqlite:///{DATA / 'headway.db'}", "HEADWAY_GRACE_S": str(GRACE_S)}
    environment = {**os.environ, **ours}
    processes = [
        subprocess.Popen(
            [HEADWAY, "serve", *examples, "--host", "127.0.0.1", "--log-level", "warning"],
            env=environment,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches this script, which ends all in order
        )
    ]
    [serve] = processes
    deadline = time.monotonic() + START_WITHIN_S
    try:
        url = address_of(serve, deadline)
        if url is None:
            return gave_up(serve, "The server has not come up")
        if not answers(serve, f"{url}/api/workflows/{WORKFLOW}", deadline):
            return gave_up(serve, f"The server is at {url}, but no worker has imported {WORKFLOW}.py")
        say(f"In the browser it is live at the address below; its runs: {url}/executions?workflow={WORKFLOW}")
        open_browser(url)
        run = [HEADWAY, "run", f"{ROOT / 'examples' / 'audit_environment.py'}:{WORKFLOW}"]
        processes.append(
            subprocess.Popen(run, env={**environment, "HEADWAY_URL": url}, start_new_session=True)
        )
        processes[-1].wait()
        say(f"Serving {url} until Ctrl-C. Start more from the browser, or: headway run FILE:WORKFLOW")
        return serve.wait()
    except KeyboardInterrupt:
        say(f"Stopping (up to {GRACE_S} s for what runs; Ctrl-C again ends at once)")
        return 0
    finally:
        stop(processes)


def address_of(serve: subprocess.Popen[bytes], deadline: float) -> str | None:
    """Where the server says it is, whatever port and prefix it took; `None` if it does not in time."""
    assert serve.stdout is not None
    ready, _, _ = select.select([serve.stdout], [], [], max(0.0, deadline - time.monotonic()))
    line = serve.stdout.readline().decode() if ready else ""
    sys.stdout.write(line)
    return line.removeprefix("Headway is at ").split()[0] if line else None


def answers(serve: subprocess.Popen[bytes], address: str, deadline: float) -> bool:
    """Wait for an answer: the server may be up before its worker has imported the files."""
    token = os.environ.get("HEADWAY_TOKEN")
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    while time.monotonic() < deadline and serve.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(request, timeout=5):
            return True
        time.sleep(0.1)
    return False


def gave_up(serve: subprocess.Popen[bytes], what: str) -> int:
    """Say what is missing, where the server has not said so itself; the exit code."""
    code = serve.poll()
    if code is None:
        sys.stderr.write(f"{what} within {START_WITHIN_S:.0f} s; what it said is above. Stopping.\n")
    return code or 1


def open_browser(url: str) -> None:
    has_display = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display and sys.stdout.isatty():
        webbrowser.open(f"{url}/executions?workflow={WORKFLOW}")


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """End them: whoever only watches at once, the server in order, and in the end, or if asked again, all."""
    serve, *watching = processes
    for process in watching:
        if process.poll() is None:
            process.terminate()
            process.wait()
            if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
                sys.stdout.write("\x1b[?25h")  # its live picture had hidden the cursor
                sys.stdout.flush()
    if serve.poll() is None:
        serve.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            serve.wait(timeout=GRACE_S + KILL_AFTER_S)
    if serve.poll() is None:
        serve.kill()  # its children end with it
        serve.wait()


def say(text: str) -> None:
    width = shutil.get_terminal_size((100, 24)).columns
    sys.stdout.write(f"\n{text}\n{'─' * min(width, len(text))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
