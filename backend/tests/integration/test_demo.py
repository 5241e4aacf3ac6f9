"""`make run` starts an execution behind any settings, says what fails, and ends with one Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.serving import environment

from headway.adapters.database_lock import holder_of

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
START = """
import sys
from pathlib import Path

sys.path.insert(0, {scripts!r})
import demo

demo.DATA = Path({folder!r})
demo.START_WITHIN_S = {start_within_s}
sys.exit(demo.main())
"""


@contextmanager
def demo(
    folder: Path, *, start_within_s: float = 100.0, **more: str
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The script with its data in `folder`; yields also the file of what it says."""
    said = folder / "said"
    code = START.format(scripts=str(SCRIPTS), folder=str(folder), start_within_s=start_within_s)
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment(folder / "other.db", HEADWAY_PORT="0", **more),
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    alarm = threading.Timer(120, process.kill)
    alarm.start()
    try:
        yield process, said
    finally:
        alarm.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def test_the_audit_starts_behind_a_token_and_one_ctrl_c_ends_all(tmp_path: Path) -> None:
    with demo(tmp_path, HEADWAY_TOKEN="secret", HEADWAY_PREFIX="/here") as (process, said):
        eventually(lambda: "STEP" in said.read_text(), within_s=100)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(40) == 0
    told = said.read_text()
    assert "/here/executions/" in told, "the address where it is live"
    assert "Stopping (up to 3 s for what runs" in told
    assert "Traceback" not in told
    assert holder_of(tmp_path / "headway.db") is None


def test_what_does_not_come_up_is_said_and_ends_it(tmp_path: Path) -> None:
    with demo(tmp_path, start_within_s=0.0) as (process, said):
        assert process.wait(60) == 1
    assert "The server has not come up within 0 s" in said.read_text()
    assert holder_of(tmp_path / "headway.db") is None
