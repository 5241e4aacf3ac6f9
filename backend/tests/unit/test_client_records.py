"""What a feed's user gets of a run and of a snapshot."""

from msgspec import Raw
from tests.support.builders import AT, an_execution_id

from headway.client.records import decode_update, update_of, updates_of
from headway.domain.events import Log, encode_body
from headway.domain.execution import State
from headway.domain.position import Cursor, chain, initial_tag
from headway.protocol.messages import LeftOut
from headway.protocol.viewer_position import Run, Snapshot

ONE, EPOCH = an_execution_id(), "9f3a01bc"
LINES = [b'{"seq":%d,' % seq + encode_body(Log("INFO", f"row {seq}"), AT) for seq in (1, 2, 3)]
START = Cursor(EPOCH, 0, initial_tag(EPOCH))
END = Cursor(EPOCH, 3, chain(START.tag, b"".join(line + b"\n" for line in LINES)))


def test_each_event_of_a_run_has_its_own_cursor_and_the_last_is_the_runs() -> None:
    updates = list(updates_of(Run(ONE, START, END, LINES), "audit"))

    assert [update.seq for update in updates] == [1, 2, 3]
    assert [Cursor.parse(update.cursor or "").seq for update in updates] == [1, 2, 3]
    assert updates[-1].cursor == str(END)
    assert {update.verified_from for update in updates} == {0}


def test_an_update_is_the_frame_that_simple_mode_would_send() -> None:
    [update, *_] = updates_of(Run(ONE, START, END, LINES), "audit")

    assert update.raw == b'{"execution_id":"%b","workflow_id":"audit",' % ONE.encode() + LINES[0][1:]
    assert decode_update(update.raw).data == {"level": "INFO", "message": "row 1"}
    assert update.event() is not None


def test_a_conflated_run_counts_what_it_leaves_out_before_its_first_event() -> None:
    """Only behind its last event is the position known."""
    run = Run(ONE, START, END, LINES[1:], LeftOut(1, 1), verified_from=3)
    first, last = updates_of(run, "audit")

    assert (first.left_out, last.left_out) == (LeftOut(1, 1), None)
    assert (first.cursor, last.cursor) == (None, str(END))
    assert last.verified_from == 3


def test_a_snapshot_says_where_it_stands_and_why() -> None:
    state = State(execution_id=ONE, workflow_id="audit", seq=3, progress=42.0)
    update = update_of(Snapshot(state, END, (LINES[2],), "fork"))

    assert (update.snapshot, update.as_of, update.why, update.cursor) == (True, 3, "fork", str(END))
    assert (update.data["progress"], update.verified_from) == (42.0, 3)
    assert [bytes(line) for line in update.recent] == [bytes(Raw(LINES[2]))]
    assert not update.is_terminal
    state.closed = True
    assert update.is_terminal
