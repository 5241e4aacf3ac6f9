"""The rules of the client's side of a rich connection, one test a rule, held to the shared vectors."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.support.viewer_model import ViewerModel

from headway.domain.events import Totals
from headway.domain.execution import State
from headway.domain.position import Cursor, chain, initial_tag
from headway.errors import ClientError, ExecutionNotFound
from headway.protocol import messages as m
from headway.protocol.client_effects import ClientEffect, Drop, Move, Say, Sealed, Stop, Tell, Up
from headway.protocol.client_session import ClientSession
from headway.protocol.codec import encode, encode_events
from headway.protocol.viewer_position import WHOLE, Run, Snapshot, ViewerPosition
from headway.services.states import encode_state

FIXTURES = Path(__file__).resolve().parents[3] / "protocol" / "fixtures"
ONE, EPOCH = "01JX4Q8ZK3M5N7P9R1T3V5W7Y9", "9f3a01bc"


def vectors(path: str) -> Any:
    return json.loads((FIXTURES / path).read_text(encoding="utf-8"))


class Log:
    """Lines of one history with the cursor behind each."""

    def __init__(self, size: int, epoch: str = EPOCH, text: str = "row") -> None:
        self.lines = [
            b'{"seq":%d,"kind":"log","data":{"message":"%s"}}' % (n, text.encode())
            for n in range(1, size + 1)
        ]
        self.cursors = [Cursor(epoch, 0, initial_tag(epoch))]
        for line in self.lines:
            last = self.cursors[-1]
            self.cursors.append(Cursor(epoch, last.seq + 1, chain(last.tag, line + b"\n")))

    def frame(self, after: int, upto: int, **more: Any) -> bytes:
        header = m.Ev(x=ONE, after=after, upto=upto, cur=str(self.cursors[upto]), n=upto - after, **more)
        return encode_events(header, b"".join(line + b"\n" for line in self.lines[after:upto]))

    def snap(self, seq: int, **more: Any) -> bytes:
        state = State(execution_id=ONE, workflow_id="nightly", seq=seq)
        fields = {"part": 1, "parts": 1, "state": Raw(encode_state(state))} | more
        return encode(m.Snap(x=ONE, cur=str(self.cursors[seq]), **fields))


LOG = Log(40)


def answered(result: m.Result, why: m.Why | None = None) -> bytes:
    return encode(m.SubOk(x=ONE, result=result, why=why, execution_id=ONE))


def a_session(seq: int | None = None, *, whole: int = 0) -> ClientSession:
    """Connected at 0 s; resumed behind event `seq`, or anew."""
    cursor = LOG.cursors[seq] if seq is not None else None
    session = ClientSession(ViewerPosition(ONE, execution_id=ONE, cursor=cursor, whole=whole), 0.0)
    session.open()
    session.receive(answered("resumed" if cursor else "snapshot"), 0.0)
    return session


def told(effects: list[ClientEffect]) -> list[int]:
    """The seqs behind what the viewer is given."""
    return [effect.news.cursor.seq for effect in effects if isinstance(effect, Tell)]


def subs(effects: list[ClientEffect]) -> list[str | None]:
    return [each.message.cur for each in effects if isinstance(each, Say) and isinstance(each.message, m.Sub)]


# Opening.


def test_it_says_hello_and_where_it_goes_on_without_waiting() -> None:
    position = ViewerPosition("nightly", execution_id=ONE, cursor=LOG.cursors[7])
    first, second = ClientSession(position, 0.0, token="secret", tail=9).open()

    assert first == Say(m.Hello(token="secret", client="headway-python"))
    assert second == Say(m.Sub(x="nightly", execution_id=ONE, cur=str(LOG.cursors[7]), tail=9))


def test_a_token_that_ends_soon_is_sent_again() -> None:
    session = ClientSession(ViewerPosition(ONE), 0.0, token="secret")

    assert session.receive(encode(m.AuthSoon(in_s=60)), 1.0) == [Say(m.Auth(token="secret"))]


# Events.


def test_what_follows_is_taken_and_what_is_here_is_not() -> None:
    session = a_session(2)

    [effect] = session.receive(LOG.frame(2, 5), 1.0)

    assert effect == Tell(Run(ONE, LOG.cursors[2], LOG.cursors[5], LOG.lines[2:5], verified_from=2))
    assert session.receive(LOG.frame(2, 5), 1.0) == []
    assert session.receive(LOG.frame(3, 4), 1.0) == []
    assert told(session.receive(LOG.frame(5, 6), 1.0)) == [6]


@pytest.mark.parametrize("frame", [LOG.frame(6, 8), LOG.frame(3, 8)], ids=["gap", "overlap"])
def test_what_does_not_follow_is_asked_for_again(frame: bytes) -> None:
    session = a_session(5)

    effects = session.receive(frame, 1.0)

    assert (told(effects), subs(effects)) == ([], [str(LOG.cursors[5])])


@pytest.mark.parametrize("other", [Log(40, "00000000"), Log(40, text="other")], ids=["epoch", "tag"])
def test_another_history_is_never_applied(other: Log) -> None:
    session = a_session(5)

    assert subs(session.receive(other.frame(5, 8), 1.0)) == [str(LOG.cursors[5])]


def test_a_conflated_frame_sets_the_tag_and_says_where_proof_begins() -> None:
    position = ViewerPosition(ONE, execution_id=ONE, cursor=LOG.cursors[0])
    session = ClientSession(position, 0.0, mode="state")
    session.receive(answered("resumed"), 0.0)
    header = m.Ev(x=ONE, after=0, upto=9, cur=str(LOG.cursors[9]), n=1, cf=m.LeftOut(8))

    [effect] = session.receive(encode_events(header, LOG.lines[8] + b"\n"), 1.0)

    assert effect == Tell(Run(ONE, LOG.cursors[0], LOG.cursors[9], LOG.lines[8:9], m.LeftOut(8), 9))
    assert position.verified_from == 9


def test_the_seal_counts_only_where_the_viewer_has_all() -> None:
    session, totals = a_session(5), Totals(8, 8, 0)

    assert Sealed(totals) not in session.receive(LOG.frame(6, 8, eos=totals), 1.0)
    assert session.receive(LOG.frame(5, 8, eos=totals), 1.0)[-1] == Sealed(totals)
    assert session.receive(LOG.frame(8, 8, eos=totals), 1.0) == [Sealed(totals)]


# Snapshots.


def test_a_snapshot_is_adopted_after_its_last_part() -> None:
    session = a_session()
    logs = [Raw(line) for line in LOG.lines[:2]]

    assert session.receive(LOG.frame(3, 5), 1.0) == []
    assert session.receive(LOG.snap(9, parts=2, logs=logs), 1.0) == []
    [effect] = session.receive(
        encode(m.Snap(x=ONE, cur=str(LOG.cursors[9]), part=2, parts=2, logs=logs)), 1.0
    )

    assert isinstance(effect, Tell)
    assert isinstance(effect.news, Snapshot)
    assert (effect.news.cursor, effect.news.logs) == (LOG.cursors[9], tuple(LOG.lines[:2] * 2))
    assert told(session.receive(LOG.frame(9, 11), 1.0)) == [11]


def test_a_log_that_is_wanted_whole_is_asked_for_from_its_first_event() -> None:
    session = a_session(whole=9)

    effects = session.receive(LOG.snap(9), 1.0)
    assert (told(effects), subs(effects)) == ([0], [str(LOG.cursors[0])])
    session.receive(answered("resumed"), 1.0)
    assert told(session.receive(LOG.frame(0, 9), 1.0)) == [9]


def test_a_longer_one_is_taken_as_a_state() -> None:
    effects = a_session(whole=8).receive(LOG.snap(9), 1.0)

    assert (told(effects), subs(effects)) == ([9], [])


def test_what_cannot_be_had_whole_is_asked_for_once() -> None:
    """Retention has removed its start: the reset says so, and the state is what there is."""
    session = a_session(whole=WHOLE)
    session.receive(LOG.snap(9), 1.0)
    session.receive(answered("reset", "trimmed"), 1.0)

    effects = session.receive(LOG.snap(9), 1.0)

    assert (told(effects), subs(effects)) == ([9], [])


@pytest.mark.parametrize("row", vectors("resume.json"), ids=lambda row: row["name"])
def test_a_viewer_hears_of_every_reset_with_its_reason(row: dict[str, Any]) -> None:
    """Whatever the server decides, the viewer learns it."""
    cursor = Cursor.parse(row["cur"]) if row["cur"] else None
    session = ClientSession(ViewerPosition(ONE, execution_id=ONE, cursor=cursor), 0.0, mode=row["mode"])
    session.receive(answered(row["result"], row["why"]), 0.0)

    effects = session.receive(LOG.snap(40), 1.0) if row["result"] != "resumed" else []

    assert [effect.news.why for effect in effects if isinstance(effect, Tell)] == (
        [] if row["result"] == "resumed" else [row["why"]]
    )


# Time, and ends.


def test_half_a_window_is_acknowledged_at_once_and_the_rest_each_second() -> None:
    session = a_session(0)
    session.receive(
        encode(m.Welcome(conn="c", ping=15, pong=10, jitter=0, now="", limits=m.Limits(window_events=20))),
        0.0,
    )
    session.receive(LOG.frame(0, 9), 1.0)

    assert session.applied(9, 1.0) == []
    assert session.applied(10, 1.0) == [Say(m.Ack(x=ONE, seq=10))]
    assert session.applied(11, 1.1) == session.tick(1.9) == []
    assert session.tick(2.0) == [Say(m.Ack(x=ONE, seq=11))]
    assert session.tick(9.0) == []


def test_a_frame_within_25_s_keeps_the_connection() -> None:
    session = a_session(5)
    session.receive(LOG.frame(5, 6), 20.0)

    assert session.tick(44.9) == []
    assert session.tick(45.0) == [Drop("no frame for 25 s")]


def test_a_ping_is_answered_at_once_and_its_heads_heal() -> None:
    """Beside the head at once, behind it at the second ping."""
    session = a_session(5)

    def ping(head: Cursor) -> list[ClientEffect]:
        return session.receive(encode(m.Ping(n=3, heads={ONE: str(head)})), 1.0)

    assert ping(LOG.cursors[5]) == ping(LOG.cursors[4]) == [Say(m.Pong(n=3))]
    assert ping(LOG.cursors[9]) == [Say(m.Pong(n=3))]
    assert subs(ping(LOG.cursors[9])) == [str(LOG.cursors[5])]
    assert subs(ping(Log(5, text="other").cursors[5])) == [str(LOG.cursors[5])]
    assert subs(ping(Log(5, "00000000").cursors[5])) == [str(LOG.cursors[5])]


def test_a_snapshot_that_does_not_come_is_asked_for_at_the_second_ping() -> None:
    session, ping = a_session(), encode(m.Ping(n=1, heads={ONE: str(LOG.cursors[9])}))

    assert subs(session.receive(ping, 15.0)) == []
    assert subs(session.receive(ping, 30.0)) == [None]


def test_drain_asks_for_another_connection_and_this_one_goes_on() -> None:
    session = a_session(5)

    assert session.receive(encode(m.Drain(in_s=(1.0, 9.0))), 1.0) == [Move(1.0, 9.0)]
    assert told(session.receive(LOG.frame(5, 6), 2.0)) == [6]


def test_two_connections_of_one_viewer_give_each_event_once() -> None:
    """While one takes over from the other: the overlap is known, or asked for again."""
    position = ViewerPosition(ONE, execution_id=ONE, cursor=LOG.cursors[5])
    old, new = ClientSession(position, 0.0), ClientSession(position, 0.0)
    for session in (old, new):
        session.open()
        session.receive(answered("resumed"), 0.0)
    frames = [(old, 5, 7), (new, 5, 7), (new, 7, 9), (old, 7, 8), (old, 8, 10), (new, 9, 10)]

    assert [told(session.receive(LOG.frame(*span), 1.0)) for session, *span in frames] == [
        [7],
        [],
        [9],
        [],
        [],
        [10],
    ]


@pytest.mark.parametrize("seq", [0, 3, 5, 7])
def test_a_snapshot_of_what_another_connection_has_brought_already_repeats_nothing(seq: int) -> None:
    """Asked for before there was a cursor: the log goes on behind the one that there is now."""
    position = ViewerPosition(ONE, execution_id=ONE, whole=WHOLE)
    old, new = ClientSession(position, 0.0), ClientSession(position, 0.0)
    for session in (old, new):
        session.open()
        session.receive(answered("snapshot"), 0.0)
    assert told(old.receive(LOG.snap(0), 0.0) + old.receive(LOG.frame(0, 5), 0.0)) == [0, 5]

    effects = new.receive(LOG.snap(seq), 1.0)

    assert (told(effects), subs(effects)) == ([], [str(LOG.cursors[5])])
    new.receive(answered("resumed"), 1.0)
    assert told(new.receive(LOG.frame(5, 8), 1.0)) == [8]


def test_a_viewer_of_a_workflow_is_not_taken_back_to_an_execution_before() -> None:
    """Another connection is at the next one already."""
    position = ViewerPosition("nightly", execution_id=f"7{ONE[1:]}", cursor=LOG.cursors[5])
    session = ClientSession(position, 0.0)
    session.open()

    for frame in (answered("snapshot"), LOG.snap(9)):
        effects = session.receive(frame.replace(f'"x":"{ONE}"'.encode(), b'"x":"nightly"', 1), 1.0)

    assert (told(effects), subs(effects)) == ([], [str(LOG.cursors[5])])


def of_workflow(frame: bytes) -> bytes:
    return frame.replace(ONE.encode(), b"nightly", 1)


def next_one(id: str, epoch: str = "00000b0b") -> list[bytes]:
    """What a server sends where a workflow goes on: the answer, and the state before the first event."""
    state = State(execution_id=id, workflow_id="nightly")
    cur = str(Cursor(epoch, 0, initial_tag(epoch)))
    snap = m.Snap(x="nightly", cur=cur, part=1, parts=1, state=Raw(encode_state(state)))
    return [encode(m.SubOk(x="nightly", result="snapshot", execution_id=id)), encode(snap)]


TOTALS = Totals(events=10, logs=10, errors=0)
SEALED = of_workflow(LOG.frame(9, 10, eos=TOTALS))


@pytest.mark.parametrize("next_id", [f"0{ONE[1:-1]}0", f"{ONE[:-1]}0", f"7{ONE[1:]}"])
def test_a_workflow_goes_on_from_the_end_of_an_execution_whatever_the_ids(next_id: str) -> None:
    """The order is the server's: a clock may be set back, and two ids may be of one millisecond."""
    position = ViewerPosition("nightly", execution_id=ONE, cursor=LOG.cursors[9])
    session = ClientSession(position, 0.0)
    session.open()
    frames = [of_workflow(answered("resumed")), SEALED, *next_one(next_id)]

    effects = [effect for frame in frames for effect in session.receive(frame, 1.0)]

    assert (told(effects), subs(effects)) == ([10, 0], [])
    assert (position.execution_id, position.cursor and position.cursor.seq) == (next_id, 0)


def test_an_execution_whose_end_is_missing_is_not_left() -> None:
    position = ViewerPosition("nightly", execution_id=ONE, cursor=LOG.cursors[8])
    session = ClientSession(position, 0.0)
    session.open()
    frames = [of_workflow(answered("resumed")), *next_one(f"7{ONE[1:]}")]

    effects = [effect for frame in frames for effect in session.receive(frame, 1.0)]

    assert (told(effects), subs(effects)) == ([], [str(LOG.cursors[8])])


@pytest.mark.parametrize("ids", [("1", "2"), ("2", "1")])
def test_of_two_connections_the_slower_one_takes_nobody_back(ids: tuple[str, str]) -> None:
    """It goes on from where the quicker one is, two executions on."""
    position = ViewerPosition("nightly", execution_id=ONE, cursor=LOG.cursors[9])
    second, third = (f"7{each}{ONE[2:]}" for each in ids)
    quick, slow = ClientSession(position, 0.0), ClientSession(position, 0.0)
    for session in (quick, slow):
        session.open()
        session.receive(of_workflow(answered("resumed")), 0.0)
    quick.receive(SEALED, 0.0)
    for frame in next_one(second):
        quick.receive(frame, 0.0)
    end = m.Ev(x="nightly", after=0, upto=0, cur=str(position.cursor), n=0, eos=TOTALS)
    quick.receive(encode_events(end, b""), 0.0)
    for frame in next_one(third, "00000c0c"):
        quick.receive(frame, 0.0)
    here = position.copy()

    effects = [effect for frame in (SEALED, *next_one(second)) for effect in slow.receive(frame, 1.0)]

    assert (told(effects), set(subs(effects))) == ([], {str(here.cursor)})
    assert (position.execution_id, position.cursor) == (third, here.cursor)


def test_an_answer_to_what_was_asked_before_a_reset_is_asked_for_again() -> None:
    """The server had found out by itself that the log is another one: the viewer is elsewhere since."""
    session = a_session(30)
    session.tick(1.0)
    session.receive(answered("reset", "fork"), 1.0)
    session.receive(LOG.snap(9), 1.0)

    overtaken = m.SubOk(x=ONE, result="resumed", execution_id=ONE, cur=str(LOG.cursors[30]))

    assert subs(session.receive(encode(overtaken), 1.0)) == [str(LOG.cursors[9])]


def test_a_gap_is_asked_for_once_whatever_is_still_on_its_way() -> None:
    session = a_session(5)

    asked = [subs(session.receive(LOG.frame(n, n + 1), 1.0)) for n in range(6, 30)]

    assert asked == [[str(LOG.cursors[5])], *[[]] * 23]
    session.receive(answered("resumed"), 1.0)
    assert subs(session.receive(LOG.frame(6, 7), 1.0)) == [str(LOG.cursors[5])]


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (1012, '{"retry":5000}', Drop("the connection ended with code 1012", 5.0)),
        (1012, "", Drop("the connection ended with code 1012")),
        (1006, "", Drop("the connection ended with code 1006")),
        (4429, "too fast", Drop("too fast")),
        (4499, "", Drop("the connection ended with code 4499")),
    ],
)
def test_most_ends_ask_to_come_back(code: int, reason: str, expected: Drop) -> None:
    assert a_session().closed(code, reason) == expected


@pytest.mark.parametrize("code", [4500, 4501, 4999, 1009])
def test_some_ends_ask_to_stop_and_say_why(code: int) -> None:
    end = a_session().closed(code, "because")

    assert isinstance(end, Stop)
    assert isinstance(end.error, ClientError)
    assert end.error.message == "because"


def test_a_refused_subscription_stops_unless_the_server_is_only_busy() -> None:
    def refused(code: str, retry: int | None = None) -> list[ClientEffect]:
        return a_session().receive(encode(m.Err(code=code, msg="because", x=ONE, retry=retry)), 1.0)

    [stop] = refused("execution_not_found")
    assert isinstance(stop, Stop)
    assert isinstance(stop.error, ExecutionNotFound)
    assert refused("journal_unavailable", 1_000) == [Drop("because", 1.0)]
    assert refused("overloaded") == refused("internal") == [Drop("because")]
    assert a_session().receive(encode(m.Err(code="execution_not_found", msg="", x="other")), 1.0) == []


def test_a_workflow_goes_on_where_its_execution_is_gone_and_the_viewer_is_told() -> None:
    """A copy from before it began was restored: what follows is of another execution."""
    session = ClientSession(ViewerPosition("nightly", execution_id=ONE, cursor=LOG.cursors[5]), 0.0)

    gone = m.Err(code="execution_not_found", msg="gone", x="nightly")
    assert session.receive(encode(gone), 1.0) == [Say(m.Sub(x="nightly"))]
    session.receive(of_workflow(answered("snapshot")), 1.0)
    [effect] = session.receive(of_workflow(LOG.snap(9)), 1.0)
    assert isinstance(effect, Tell)
    assert isinstance(effect.news, Snapshot)
    assert effect.news.why == "ahead"
    assert told(session.receive(of_workflow(LOG.frame(9, 10)), 1.0)) == [10]


@pytest.mark.parametrize(
    "frame", ["{", '{"t":"ev"}', b'{"t":"ev","x":"' + ONE.encode() + b'","after":5,"upto":6,"cur":"?","n":0}']
)
def test_what_is_no_frame_ends_the_connection(frame: str | bytes) -> None:
    [effect] = a_session(5).receive(frame, 1.0)

    assert isinstance(effect, Drop)


@given(
    st.lists(
        st.one_of(st.text(max_size=40), st.sampled_from([LOG.frame(5, 6).decode(), LOG.snap(3).decode()]))
    )
)
def test_whatever_a_server_sends_the_session_stands(frames: list[str]) -> None:
    session = a_session(5)
    for frame in frames:
        for effect in session.receive(frame, 1.0):
            assert isinstance(effect, Say | Tell | Drop)


# The shared vectors.


@pytest.mark.parametrize("path", sorted((FIXTURES / "session").glob("*.json")), ids=lambda path: path.stem)
def test_the_exchanges_from_the_clients_side(path: Path) -> None:
    """It says what the exchange says it says, and is where the last frame leaves it."""
    wire = json.loads(path.read_text(encoding="utf-8"))["wire"]
    asked = next(each for each in map(_client_message, wire) if isinstance(each, m.Sub))
    valid = asked.cur is not None and asked.cur.count(".") == 2
    cursor = Cursor.parse(asked.cur) if valid and asked.cur is not None else None
    position = ViewerPosition(asked.x, execution_id=asked.execution_id or asked.x, cursor=cursor)
    session = ClientSession(position, 0.0)
    effects = session.open()
    for second, step in enumerate(wire):
        if step["from"] == "server" and "frame" in step:
            effects += session.receive(step["frame"], second)
            effects += session.applied(position.cursor.seq, second) if position.cursor else []
            effects += session.tick(second)
        elif step["from"] == "server":
            effects.append(session.closed(int(step["close"]), step["reason"]))

    said = [each.message for each in effects if isinstance(each, Say)]
    for answer in map(_client_message, wire):
        assert answer in said or not isinstance(answer, m.Pong | m.Ack)
    if path.stem in ("goes-on", "is-gone"):  # the others are not asked with what a viewer asks with
        asked_for = [each for each in map(_client_message, wire) if isinstance(each, m.Sub)]
        assert [each for each in said if isinstance(each, m.Sub)] == asked_for
    cursors = [json.loads(step["frame"].splitlines()[0]).get("cur") for step in wire if "frame" in step]
    assert (str(position.cursor) if position.cursor else None) == _last_valid(cursors)
    ends = {
        "beats-and-drains": [Up, Move, Drop],
        "goes-on": [Up, Tell, Sealed, Up, Tell, Tell],
        "is-gone": [Up, Tell],
        "is-refused": [Stop, Stop],
        "is-reset-after-a-restore": [Up, Tell],
        "late-join": [Up, Tell, Tell, Sealed],
        "resumes": [Up, Tell],
    }
    assert [type(each) for each in effects if not isinstance(each, Say)] == ends[path.stem]


def _client_message(step: dict[str, Any]) -> m.AnyClientMessage | None:
    if step["from"] != "client":
        return None
    fields = json.loads(step["frame"])
    kind = m.CLIENT_MESSAGES[fields.pop("t")]
    return kind(**fields)


def _last_valid(cursors: list[str | None]) -> str | None:
    return next((each for each in reversed(cursors) if each and each.count(".") == 2), None)


def test_the_chain_over_every_line_is_that_of_the_vectors() -> None:
    found = vectors("tags.json")
    position = ViewerPosition(
        ONE, execution_id=ONE, cursor=Cursor(found["epoch"], 0, int(found["initial"], 16))
    )
    for seq, event in enumerate(found["events"], 1):
        header = m.Ev(x=ONE, after=seq - 1, upto=seq, cur=f"{found['epoch']}.{seq}.{event['tag']}", n=1)
        body = event["line"].encode() + b"\n"
        assert not position.fits(header, body.replace(b"seq", b"sep"))
        assert position.fits(header, body)
        position.take(header, body)
    assert position.verified_from == 0


@pytest.mark.parametrize("row", vectors("conflation.json"), ids=lambda row: row["name"])
def test_a_conflated_run_folds_to_the_state_of_the_vectors(row: dict[str, Any]) -> None:
    upto = len(row["lines"])
    viewer = ViewerModel(ONE, "state")
    viewer.connected()
    viewer.receive(answered("snapshot"))
    state = State(execution_id="x", workflow_id="w")
    snap = m.Snap(
        x=ONE, cur=f"{EPOCH}.0.{initial_tag(EPOCH):08x}", part=1, parts=1, state=Raw(encode_state(state))
    )
    viewer.receive(encode(snap))
    left_out = m.LeftOut(**row["cf"]) if row["cf"] else None
    body = "".join(f"{line}\n" for line in row["kept"]).encode()
    tag = chain(initial_tag(EPOCH), "".join(f"{line}\n" for line in row["lines"]).encode())
    cur = str(Cursor(EPOCH, upto, tag))
    viewer.receive(
        encode_events(m.Ev(x=ONE, after=0, upto=upto, cur=cur, n=len(row["kept"]), cf=left_out), body)
    )

    assert json.loads(encode_state(viewer.view.state)) == row["state"]
