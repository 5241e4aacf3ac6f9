"""The rules of one rich connection, one test a rule."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scripts.rich_vectors import EPOCH, EXECUTION, NOW, LogEnd

from headway.domain.events import Totals
from headway.domain.position import Cursor
from headway.errors import ExecutionNotFound
from headway.protocol import messages as m
from headway.protocol.close_codes import MAX_REASON_BYTES, CloseCode
from headway.protocol.codec import encode
from headway.protocol.effects import (
    Abort,
    Authenticate,
    Authorise,
    Close,
    Effect,
    Follow,
    Found,
    Offer,
    Piece,
    ReadEvents,
    ReadHeads,
    ReadSnapshot,
    Send,
    SendEvents,
    SendRows,
    Unfollow,
)
from headway.protocol.lobby import MAX_WAITING_ROWS, LobbyRows
from headway.protocol.session import Life, Session
from headway.protocol.subscription import header_of_offer

FIXTURES = Path(__file__).resolve().parents[3] / "protocol" / "fixtures" / "session"
LINE = b'{"seq":1}\n'


def say(session: Session, message: m.AnyClientMessage, now: float = 0.0) -> list[Effect]:
    return session.receive(encode(message).decode(), now)


def an_open_session(until: float | None = None) -> Session:
    session = Session("c-1", 0.0)
    say(session, m.Hello())
    session.authenticated(until, 0.0, NOW)
    return session


def a_head(last_seq: int, **changes: Any) -> LogEnd:
    return LogEnd(last_seq=last_seq, last_tag=last_seq, **changes)


def a_piece(after: int, upto: int, *, size: int = 10, **changes: Any) -> Piece:
    """A run whose tags are its seqs, so that it continues from `a_cursor`."""
    fields: dict[str, Any] = {"head": a_head(upto), "count": upto - after, "lines": b"x" * size}
    fields |= {"epoch": EPOCH, "tag_before": after, "tag_after": upto} | changes
    return Piece(after=after, upto=upto, **fields)


def an_offer(after: int, upto: int, *, tag_before: int | None = None, size: int = 10) -> Offer:
    before = Cursor(EPOCH, after, after if tag_before is None else tag_before)
    behind = Cursor(EPOCH, upto, upto)
    return Offer(before=before, behind=behind, count=upto - after, size=size, closes=False)


def a_cursor(seq: int) -> str:
    return str(Cursor(EPOCH, seq, seq))


def a_following_session(seq: int = 0, *, last_seq: int, mode: m.Mode = "full", x: str = EXECUTION) -> Session:
    """Resumed at `seq`; its first read is under way."""
    session = an_open_session()
    say(session, m.Sub(x=x, execution_id=EXECUTION, cur=a_cursor(seq), mode=mode))
    session.found(1, Found(EXECUTION, a_head(last_seq), seq))
    return session


def ends_with(effects: list[Effect], code: CloseCode) -> bool:
    return isinstance(effects[-1], Close | Abort) and effects[-1].code is code


# Opening.


def test_hello_is_answered_by_welcome_once_the_token_holds() -> None:
    session = Session("c-1", 0.0)

    assert say(session, m.Hello(token="secret")) == [Authenticate("secret")]
    [welcome] = session.authenticated(None, 0.0, NOW)
    assert isinstance(welcome, Send)
    assert isinstance(welcome.message, m.Welcome)
    assert (welcome.message.conn, welcome.message.ping, welcome.message.pong) == ("c-1", 15.0, 10.0)


def test_a_bad_token_ends_the_connection() -> None:
    session = Session("c-1", 0.0)
    say(session, m.Hello(token="wrong"))

    assert ends_with(session.login_refused("unknown token"), CloseCode.UNAUTHORIZED)


def test_hello_must_come_within_5_s() -> None:
    session = Session("c-1", 100.0)

    assert session.tick(104.9) == []
    assert ends_with(session.tick(105.0), CloseCode.HELLO_TIMEOUT)


@pytest.mark.parametrize("frame", ['{"t":"sub","x":"*"}', '{"t":"sing"}', "nonsense", '{"t":"pong","n":0}'])
def test_nothing_may_come_before_hello(frame: str) -> None:
    assert ends_with(Session("c-1", 0.0).receive(frame, 0.0), CloseCode.PROTOCOL_BREACH)


def test_hello_comes_once() -> None:
    assert ends_with(say(an_open_session(), m.Hello()), CloseCode.PROTOCOL_BREACH)


def test_a_client_need_not_wait_for_welcome() -> None:
    """What it sends before is obeyed after, in order."""
    session = Session("c-1", 0.0)
    say(session, m.Hello())

    assert say(session, m.Sub(x=EXECUTION)) == []
    assert [type(effect) for effect in session.authenticated(None, 0.0, NOW)] == [Send, Follow]


# Bad messages.


def test_binary_and_oversized_frames_end_the_connection() -> None:
    assert ends_with(an_open_session().receive(b"{}", 0.0), CloseCode.BINARY_FRAME)
    assert ends_with(an_open_session().receive("✓" * 5_462, 0.0), CloseCode.FRAME_TOO_BIG)


def test_a_bad_message_is_answered_and_the_connection_goes_on() -> None:
    session = an_open_session()

    [answer] = session.receive('{"t":"sub","x":"*","tail":-1,"ref":"r-9"}', 0.0)

    assert isinstance(answer, Send)
    assert isinstance(answer.message, m.Err)
    assert (answer.message.code, answer.message.ref, answer.message.x) == ("invalid_message", "r-9", "*")
    assert session.life is Life.OPEN


def test_more_than_20_messages_a_second_after_60_end_the_connection() -> None:
    session = an_open_session()  # its hello was the first of the 60
    for _ in range(59):
        assert session.receive('{"t":"sing"}', 0.0) == []
    for n in range(20):
        assert session.receive('{"t":"sing"}', 0.05 * (n + 1) + 0.001) == []

    assert ends_with(session.receive('{"t":"sing"}', 1.002), CloseCode.TOO_MANY_MESSAGES)


def test_an_ack_that_moves_is_free_and_one_that_does_not_is_a_message() -> None:
    """128 busy subscriptions may ack more often than 20 times a second."""
    session = a_following_session(last_seq=1_000)
    for n in range(200):
        session.events_read(1, a_piece(n, n + 1, head=a_head(1_000)), 0.0)
        session.written(1, 0.0)
        assert session.life is Life.OPEN
        say(session, m.Ack(x=EXECUTION, seq=n + 1))
    for _ in range(70):
        say(session, m.Ack(x=EXECUTION, seq=1))

    assert session.life is Life.CLOSED


def test_a_subscription_more_than_128_is_refused_and_the_others_go_on() -> None:
    session = an_open_session()
    for n in range(128):
        say(session, m.Sub(x=f"w{n}"), now=float(n))

    [answer] = say(session, m.Sub(x="one-more", ref="r"), now=200.0)

    assert isinstance(answer, Send)
    assert answer.message == m.Err(
        code="too_many_subscriptions", msg="at most 128 a connection", x="one-more", ref="r"
    )
    assert [type(effect) for effect in say(session, m.Sub(x="w0"), now=201.0)] == [Unfollow, Follow]


# Subscriptions.


def test_a_new_viewer_gets_a_snapshot_then_the_tail() -> None:
    session = an_open_session()

    assert say(session, m.Sub(x=EXECUTION, tail=7)) == [Follow(number=1, x=EXECUTION)]
    answer, question = session.found(1, Found(EXECUTION, a_head(40)))
    assert answer == Send(m.SubOk(x=EXECUTION, result="snapshot", execution_id=EXECUTION, head=40))
    assert question == ReadSnapshot(1, EXECUTION, 40, 7)
    [snap] = session.snapshot_read(1, Cursor(EPOCH, 40, 40), b'{"seq":40}', [])
    assert isinstance(snap, Send)
    assert isinstance(snap.message, m.Snap)
    [read] = session.grew(1, 41)
    assert isinstance(read, ReadEvents)
    assert read.after == 40


def test_a_frame_says_what_it_covers_and_the_next_waits_for_its_write() -> None:
    session = a_following_session(2, last_seq=9)

    [sent] = session.events_read(1, a_piece(2, 5, head=a_head(9)), 0.0)

    assert isinstance(sent, SendEvents)
    assert (sent.header.after, sent.header.upto, sent.header.cur, sent.header.n) == (2, 5, a_cursor(5), 3)
    assert session.grew(1, 12) == []
    [read] = session.written(1, 0.0)
    assert isinstance(read, ReadEvents)
    assert read.after == 5


@pytest.mark.parametrize(
    "changes", [{"epoch": "00000000"}, {"tag_before": 99}, {"after": 3}], ids=["epoch", "tag", "after"]
)
def test_events_that_do_not_continue_are_never_sent(changes: dict[str, Any]) -> None:
    """A restore under an open connection: the session looks again, and says reset if it must."""
    session = a_following_session(2, last_seq=9)
    fields = {"after": 2, "upto": 9} | changes

    assert session.events_read(1, a_piece(**fields), 0.0) == [
        Follow(number=1, x=EXECUTION, execution_id=EXECUTION, cursor=Cursor(EPOCH, 2, 2))
    ]
    [answer, _] = session.found(1, Found(EXECUTION, a_head(9), 77))
    assert isinstance(answer, Send)
    assert isinstance(answer.message, m.SubOk)
    assert (answer.message.result, answer.message.why) == ("reset", "fork")


@pytest.mark.parametrize("held_up", [False, True])
def test_an_offered_run_is_taken_as_if_it_had_been_asked_for(held_up: bool) -> None:
    """Two sessions, one offered and one that asks, go on alike: window, stall, next."""
    offered, asked = (a_following_session(4, last_seq=4) for _ in range(2))
    offer, piece = an_offer(4, 6), a_piece(4, 6)
    assert offered.offered(1, offer)
    asked.grew(1, 6)
    (sent,) = asked.events_read(1, piece, 1.0)

    assert isinstance(sent, SendEvents)
    assert header_of_offer(EXECUTION, offer) == sent.header
    if held_up:
        offered.held_up(1, 1.0)
    else:
        asked.written(1, 1.0)
    for later in (
        lambda session: session.is_owed,
        lambda session: session.written(1, 2.0),
        lambda session: session.grew(1, 7),
        lambda session: session.events_read(1, a_piece(6, 7), 3.0),
        lambda session: say(session, m.Ack(x=EXECUTION, seq=6), 4.0),
        lambda session: session.tick(18.0),
    ):
        assert later(offered) == later(asked)


def test_an_offer_is_not_taken_out_of_place() -> None:
    """Where it does not continue, while a frame is under way, beyond the window, before the snapshot."""
    session = a_following_session(4, last_seq=4)
    assert not session.offered(1, an_offer(5, 6))
    assert not session.offered(1, an_offer(4, 6, tag_before=99))
    assert not session.offered(1, an_offer(4, 6, size=(1 << 20) + 1))
    assert not session.offered(1, replace(an_offer(4, 6), closes=True))
    assert not session.offered(2, an_offer(4, 6))
    assert session.offered(1, an_offer(4, 6))
    session.held_up(1, 1.0)
    assert not session.offered(1, an_offer(6, 7))

    opening = an_open_session()
    say(opening, m.Sub(x=EXECUTION))
    assert not opening.offered(1, an_offer(0, 1))


@given(st.lists(st.tuples(st.integers(1, 700), st.integers(1, 300_000)), max_size=8), st.integers(0, 5_000))
def test_runs_written_within_the_room_and_settled_are_as_if_each_had_been_offered(
    runs: list[tuple[int, int]], acked: int
) -> None:
    """The room says how far they are taken; then both sessions go on alike."""
    offered, lent = (a_following_session(4, last_seq=4) for _ in range(2))
    room = lent.room(1)
    assert room is not None
    assert (room.cursor, room.events, room.bytes) == (Cursor(EPOCH, 4, 4), 4_096, 1 << 20)
    events, size, at = room.events, room.bytes, 4
    written: list[Offer] = []
    for count, run_bytes in runs:
        offer = an_offer(at, at + count, size=run_bytes)
        fits = count <= events and run_bytes <= size
        assert offered.offered(1, offer) is fits
        if not fits:
            break
        written.append(offer)
        events, size, at = events - count, size - run_bytes, at + count
    lent.settled(1, written)

    for later in (
        lambda session: session.room(1),
        lambda session: say(session, m.Ack(x=EXECUTION, seq=min(acked, at)), 4.0),
        lambda session: session.room(1),
        lambda session: session.grew(1, at + 3),
        lambda session: session.room(1),
    ):
        assert later(offered) == later(lent)


def test_there_is_no_room_while_anything_else_is_to_be_done() -> None:
    session = a_following_session(4, last_seq=9)  # a read is under way
    assert session.room(1) is None
    assert session.room(2) is None
    session.events_read(1, a_piece(4, 9), 1.0)
    assert session.room(1) is None  # a frame is
    session.written(1, 2.0)
    assert session.room(1) is not None
    session.held_up(1, 3.0)
    assert session.room(1) is None


def test_an_ack_that_says_more_than_those_before_costs_nothing_wherever_a_frame_ends() -> None:
    """What was written to a cohort is accounted for in larger parts than its frames."""
    session = a_following_session(4, last_seq=4)
    session.settled(1, [an_offer(4, 504)])
    for seq in range(5, 505):
        assert say(session, m.Ack(x=EXECUTION, seq=seq), 1.0) == []
    for _ in range(100):  # these say nothing new
        effects = say(session, m.Ack(x=EXECUTION, seq=504), 1.0)
    assert session.life is Life.CLOSED or ends_with(effects, CloseCode.TOO_MANY_MESSAGES)


def test_a_head_that_was_read_before_the_viewer_came_so_far_is_no_other_history() -> None:
    session = a_following_session(4, last_seq=4)
    (asked,) = session.tick(15.0)
    assert asked == ReadHeads({1: EXECUTION})
    session.settled(1, [an_offer(4, 9)])
    [ping] = session.heads_read({1: a_head(7)}, 15.1)
    assert isinstance(ping, Send)

    say(session, m.Pong(n=1), 15.2)
    session.tick(30.0)
    effects = session.heads_read({1: a_head(7)}, 30.1)  # asked for at 9: it has become shorter
    assert [type(effect) for effect in effects] == [Send, Follow]


@pytest.mark.parametrize(("phase", "due"), [(0.0, 15.0), (0.25, 11.25), (0.9, 1.5)])
def test_connections_that_came_together_are_pinged_apart(phase: float, due: float) -> None:
    """The first interval is shorter by its phase, all others are whole."""
    session = Session("c-1", 0.0, phase=phase)
    say(session, m.Hello())
    session.authenticated(None, 0.0, NOW)
    assert session.tick(due - 0.01) == []
    assert session.tick(due) == [ReadHeads({})]
    session.heads_read({}, due)
    say(session, m.Pong(n=1), due + 1.0)
    assert session.tick(due + 14.99) == []
    assert session.tick(due + 15.0) == [ReadHeads({})]


def test_the_seal_comes_with_the_last_event() -> None:
    session, seal = a_following_session(2, last_seq=9), Totals(9, 7, 0)

    [sent] = session.events_read(1, a_piece(2, 9, head=a_head(9, closed=True), seal=seal), 0.0)

    assert isinstance(sent, SendEvents)
    assert sent.header.eos == seal
    assert session.written(1, 0.0) == []
    assert session.grew(1, 50) == []


def test_a_viewer_that_has_the_last_event_still_gets_the_seal() -> None:
    session, seal = an_open_session(), Totals(9, 7, 0)
    say(session, m.Sub(x=EXECUTION, cur=a_cursor(9)))

    [_, read] = session.found(1, Found(EXECUTION, a_head(9, closed=True), 9))
    assert isinstance(read, ReadEvents)
    piece = a_piece(9, 9, size=0, head=a_head(9, closed=True), seal=seal)
    [sent] = session.events_read(1, piece, 0.0)
    assert isinstance(sent, SendEvents)
    assert (sent.header.after, sent.header.upto, sent.header.n, sent.header.eos) == (9, 9, 0, seal)


def test_a_workflow_goes_on_to_the_next_execution_from_its_start() -> None:
    session = a_following_session(2, last_seq=9, x="nightly")
    session.events_read(1, a_piece(2, 9, head=a_head(9, closed=True), seal=Totals(9, 7, 0)), 0.0)

    assert session.written(1, 0.0) == [Follow(number=1, x="nightly", after=EXECUTION)]
    assert session.found(1, Found("next", a_head(5))) == [
        Send(m.SubOk(x="nightly", result="snapshot", execution_id="next", head=5)),
        ReadSnapshot(1, "next", 0, 0),
    ]


def test_a_workflow_that_never_ran_is_waited_for() -> None:
    session = an_open_session()
    say(session, m.Sub(x="nightly"))

    assert session.found(1, None) == [Send(m.SubOk(x="nightly", result="waiting"))]
    assert session.found(1, None) == []
    assert session.found(1, Found(EXECUTION, a_head(3)))[1] == ReadSnapshot(1, EXECUTION, 0, 0)


def test_a_window_full_of_unacked_events_pauses_until_an_ack() -> None:
    session, sent = a_following_session(last_seq=9_999), 0
    while True:
        session.events_read(1, a_piece(sent, sent + 256, head=a_head(9_999)), 0.0)
        sent += 256
        if not session.written(1, 0.0):
            break

    assert sent == m.Limits().window_events
    assert session.grew(1, 10_000) == []
    [read] = say(session, m.Ack(x=EXECUTION, seq=256))
    assert isinstance(read, ReadEvents)
    assert (read.after, read.max_events) == (sent, 256)


def test_a_frame_is_not_cut_short_while_an_ack_is_due() -> None:
    """Past half a window an ack is on its way: waiting for it keeps frames whole, as they are stored."""
    session, sent = a_following_session(last_seq=9_999), 0
    while True:
        session.events_read(1, a_piece(sent, sent + 250, head=a_head(9_999)), 0.0)
        sent += 250
        if not session.written(1, 0.0):
            break

    assert sent == 4_000
    [read] = say(session, m.Ack(x=EXECUTION, seq=250))
    assert isinstance(read, ReadEvents)
    assert read.max_events == 256


def test_a_window_full_of_bytes_pauses_too() -> None:
    session = a_following_session(last_seq=9)
    session.events_read(1, a_piece(0, 1, size=1 << 20, head=a_head(9)), 0.0)

    assert session.written(1, 0.0) == []
    assert [type(effect) for effect in say(session, m.Ack(x=EXECUTION, seq=1))] == [ReadEvents]


@pytest.mark.parametrize(
    ("mode", "behind", "conflate"), [("state", 257, True), ("state", 256, False), ("full", 9_000, False)]
)
def test_only_a_laggard_in_mode_state_is_spared_events(mode: m.Mode, behind: int, conflate: bool) -> None:
    session = an_open_session()
    say(session, m.Sub(x=EXECUTION, cur=a_cursor(0), mode=mode))

    [_, read] = session.found(1, Found(EXECUTION, a_head(behind), 0))

    assert isinstance(read, ReadEvents)
    assert read.conflate is conflate


def test_an_answer_to_a_subscription_that_is_gone_changes_nothing() -> None:
    session = a_following_session(2, last_seq=9)

    assert say(session, m.Unsub(x=EXECUTION)) == [Unfollow(1)]
    assert session.events_read(1, a_piece(2, 9), 0.0) == []
    assert session.written(1, 0.0) == session.grew(1, 99) == []


def test_a_refusal_ends_one_subscription() -> None:
    session = an_open_session()
    say(session, m.Sub(x=EXECUTION))
    say(session, m.Sub(x="nightly"))

    gone, answer = session.refused(1, ExecutionNotFound(), retry_ms=500)

    assert gone == Unfollow(1)
    assert isinstance(answer, Send)
    assert isinstance(answer.message, m.Err)
    assert (answer.message.code, answer.message.x, answer.message.retry) == (
        "execution_not_found",
        EXECUTION,
        500,
    )
    assert session.found(2, None) != []


# The lobby.


def a_row(progress: float, execution_id: str = EXECUTION) -> m.Row:
    return m.Row(
        execution_id=execution_id, workflow_id="w", status="running", phase="running", progress=progress
    )


def test_the_lobby_sends_all_rows_then_what_changes_one_frame_at_a_time() -> None:
    session = an_open_session()
    assert say(session, m.Sub(x="*")) == [Follow(number=1, x="*")]

    assert session.rows_read(1, [a_row(1.0)], 0.0)[1] == SendRows(
        1, m.Rows(x="*", rows=[a_row(1.0)], reset=True)
    )
    assert session.rows_changed(1, [a_row(2.0)], 0.1) == []
    assert session.rows_changed(1, [a_row(3.0)], 0.2) == []
    assert session.written(1, 0.3) == [SendRows(1, m.Rows(x="*", rows=[a_row(3.0)]))]


def test_a_lobby_too_far_behind_reads_the_list_afresh() -> None:
    session = an_open_session()
    say(session, m.Sub(x="*"))
    session.rows_read(1, [], 0.0)
    session.rows_changed(1, [a_row(1.0, f"e{n}") for n in range(MAX_WAITING_ROWS + 1)], 0.1)

    assert session.written(1, 0.2) == [Follow(number=1, x="*")]


def test_a_lobby_that_lost_a_row_reads_the_list_afresh_once_a_frame_is_written() -> None:
    session = an_open_session()
    say(session, m.Sub(x="*"))
    assert session.rows_gone(1) == [], "it is read now"
    session.rows_read(1, [a_row(1.0)], 0.0)

    assert session.rows_gone(1) == []
    assert session.rows_changed(1, [a_row(2.0)], 0.1) == []
    assert session.written(1, 0.2) == [Follow(number=1, x="*")]
    session.rows_read(1, [], 0.3)
    session.written(1, 0.4)
    assert session.rows_gone(1) == [Follow(number=1, x="*")]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 0.4)), max_size=60))
def test_a_row_is_shown_at_most_every_quarter_second_and_its_last_change_always(
    changes: list[tuple[str, float]],
) -> None:
    rows, now = LobbyRows(), 0.0
    shown: list[tuple[float, m.Row]] = []
    for progress, (name, pause) in enumerate(changes):
        now += pause
        shown += [(now, row) for row in rows.due(now)]
        row = rows.changed(a_row(float(progress), name), now)
        shown += [(now, row)] if row is not None else []
    shown += [(now + 1, row) for row in rows.due(now + 1)]

    for name in "ab":
        times = [at for at, row in shown if row.execution_id == name]
        wanted = [float(n) for n, (changed, _) in enumerate(changes) if changed == name]
        assert all(later - at >= 0.25 for at, later in pairwise(times))
        assert [row.progress for _, row in shown if row.execution_id == name][-1:] == wanted[-1:]
    assert rows.next_due is None


# Time.


def test_a_ping_carries_heads_read_afresh() -> None:
    session = a_following_session(2, last_seq=2)

    assert session.tick(14.9) == []
    assert session.tick(15.0) == [ReadHeads({1: EXECUTION})]
    ping, read = session.heads_read({1: a_head(9)}, 15.0)
    assert ping == Send(m.Ping(n=1, heads={EXECUTION: a_cursor(9)}))
    assert isinstance(read, ReadEvents)


def test_a_head_beside_the_viewer_makes_the_session_look_again() -> None:
    session = a_following_session(2, last_seq=2)
    session.tick(15.0)

    assert isinstance(session.heads_read({1: a_head(1)}, 15.0)[1], Follow)


def test_an_execution_that_is_gone_makes_the_session_look_again() -> None:
    """A copy from before it began was restored; where heads cannot be read, nothing is concluded."""
    session = a_following_session(2, last_seq=2)
    session.tick(15.0)
    [ping, look] = session.heads_read({1: None}, 15.0)

    assert ping == Send(m.Ping(n=1, heads={}))
    assert isinstance(look, Follow)

    session = a_following_session(2, last_seq=2)
    session.tick(15.0)
    assert len(session.heads_read({}, 15.0)) == 1


def test_a_peer_that_does_not_answer_for_10_s_is_cut_off() -> None:
    session = a_following_session(2, last_seq=2)
    session.tick(15.0)
    session.heads_read({}, 15.0)

    assert session.tick(24.9) == []
    assert session.tick(25.0) == [Unfollow(1), Abort(CloseCode.NO_PONG)]


def test_any_frame_shows_that_the_peer_lives() -> None:
    session = a_following_session(2, last_seq=2)
    session.tick(15.0)
    session.heads_read({}, 15.0)
    say(session, m.Unsub(x="nothing"), now=20.0)

    assert session.tick(26.0) == []


def test_a_write_that_stalls_for_15_s_is_cut_off() -> None:
    """Nobody is disconnected for being behind, only for not reading."""
    session = a_following_session(2, last_seq=9)
    session.events_read(1, a_piece(2, 9), 3.0)

    assert session.tick(14.0) == []
    assert session.tick(18.0) == [Unfollow(1), Abort(CloseCode.SLOW_READER)]


def test_a_write_that_moves_is_not_cut_off_however_long_it_takes() -> None:
    session = a_following_session(2, last_seq=9)
    session.events_read(1, a_piece(2, 9), 3.0)
    for now in range(10, 100, 10):
        assert session.is_owed
        session.moved(now, ping_is_out=True)
        session.tick(now + 9.9)
        assert session.life is Life.OPEN

    assert session.tick(105.0) == [Unfollow(1), Abort(CloseCode.SLOW_READER)]


def test_a_pong_is_due_10_s_after_its_ping_is_out_and_no_other_ping_goes_before() -> None:
    session = a_following_session(2, last_seq=2)
    session.tick(15.0)
    session.heads_read({}, 15.0)
    for now in (20.0, 29.0, 38.0):
        assert session.is_owed
        session.moved(now, ping_is_out=False)
        assert session.tick(now + 1.0) == []
    session.moved(40.0, ping_is_out=True)
    session.moved(49.0, ping_is_out=True)

    assert not session.is_owed
    assert session.tick(50.0) == [Unfollow(1), Abort(CloseCode.NO_PONG)]


def test_a_token_is_asked_for_before_it_ends_and_the_connection_ends_after_it() -> None:
    session = an_open_session(until=10.0)

    assert session.tick(0.0) == [Send(m.AuthSoon(in_s=10))]
    assert session.tick(1.0) == []
    assert session.tick(34.9) == [ReadHeads({})]
    assert ends_with(session.tick(35.0), CloseCode.UNAUTHORIZED)


def test_a_fresh_token_is_checked_and_every_subscription_with_it() -> None:
    session = an_open_session(until=10.0)
    say(session, m.Sub(x=EXECUTION))

    assert say(session, m.Auth(token="t2")) == [Authenticate("t2")]
    assert session.authenticated(500.0, 9.0, NOW) == [Authorise(1, EXECUTION)]
    assert session.tick(12.0) == []
    assert ends_with(session.login_refused("revoked"), CloseCode.UNAUTHORIZED)


# Ends.


def test_drain_serves_on_until_its_slot_ends() -> None:
    session = a_following_session(2, last_seq=2)

    assert session.drain(earliest_s=1.0, latest_s=9.0, retry_ms=7_000, now=0.0) == [
        Send(m.Drain(in_s=(1.0, 9.0)))
    ]
    assert [type(effect) for effect in session.grew(1, 3)] == [ReadEvents]
    [refusal] = say(session, m.Sub(x="other"), now=1.0)
    assert isinstance(refusal, Send)
    assert isinstance(refusal.message, m.Err)
    assert refusal.message.code == "draining"
    assert session.tick(9.0)[-1] == Close(CloseCode.SERVICE_RESTART, '{"retry":7000}')


@given(st.data())
def test_nothing_follows_the_end(data: st.DataObject) -> None:
    session = a_following_session(2, last_seq=9)
    session.receive(b"", 0.0)
    acts = [
        lambda: session.receive(data.draw(st.sampled_from(['{"t":"hello"}', "x", b"x"])), 1.0),
        lambda: session.tick(data.draw(st.floats(0, 1e6))),
        lambda: session.authenticated(None, 1.0, NOW),
        lambda: session.login_refused("no"),
        lambda: session.found(1, Found(EXECUTION, a_head(9), 2)),
        lambda: session.snapshot_read(1, Cursor(EPOCH, 9, 9), b"{}", []),
        lambda: session.events_read(1, a_piece(2, 9), 1.0),
        lambda: session.refused(1, ExecutionNotFound()),
        lambda: session.written(1, 1.0),
        lambda: session.grew(1, 99),
        lambda: session.heads_read({1: a_head(9)}, 1.0),
        lambda: session.rows_changed(1, [], 1.0),
        lambda: session.drain(earliest_s=0.0, latest_s=1.0, retry_ms=1, now=1.0),
    ]

    assert data.draw(st.sampled_from(acts))() == []


@given(st.lists(st.text(max_size=30) | st.binary(max_size=5), max_size=20))
def test_whatever_a_client_sends_the_session_stands(frames: list[str | bytes]) -> None:
    session = an_open_session()
    effects = [effect for frame in frames for effect in session.receive(frame, 0.0)]

    ends = [index for index, effect in enumerate(effects) if isinstance(effect, Close | Abort)]
    assert ends in ([], [len(effects) - 1])


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_the_exchanges_are_what_their_names_say(path: Path) -> None:
    """The vectors end as told, and every reason fits a close frame."""
    wire = json.loads(path.read_text(encoding="utf-8"))["wire"]
    results = [json.loads(step["frame"].splitlines()[0]) for step in wire if "frame" in step]
    expected = {
        "late-join": ("snapshot", None, "eos"),
        "resumes": ("resumed", None, None),
        "is-reset-after-a-restore": ("reset", None, None),
        "is-refused": (None, "4500", None),
        "beats-and-drains": ("resumed", "1012", None),
        "goes-on": ("resumed", None, "eos"),
        "is-gone": ("snapshot", None, None),
    }
    answer = next((each["result"] for each in results if each["t"] == "sub_ok"), None)
    close = next((step["close"] for step in wire if "close" in step), None)

    assert (answer, close, "eos" if any("eos" in each for each in results) else None) == expected[path.stem]
    assert all(len(step.get("reason", "").encode()) <= MAX_REASON_BYTES for step in wire)
