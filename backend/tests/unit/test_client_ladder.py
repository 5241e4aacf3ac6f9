"""Which transport a feed uses: down where one does not work, up again when it may."""

import asyncio
from collections.abc import Callable

import pytest

from headway.client import ladder as ladders
from headway.client.attempt import Again, Done, Ending, Feed, Refused, Unfit
from headway.client.event_source import EventParser, SentEvent
from headway.client.ladder import Ladder, Transport, backoff_s
from headway.client.problems import is_final, to_error
from headway.client.relay import Observers, Relay
from headway.errors import ExecutionNotFound, ServerUnreachable
from headway.protocol.viewer_position import ViewerPosition

ALL: tuple[Transport, ...] = ("websocket", "sse", "poll")


def test_the_wait_has_full_jitter_and_a_limit() -> None:
    assert [backoff_s(tries, 1.0) for tries in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert backoff_s(50, 1.0) == 20.0
    assert backoff_s(3, 0.0) == 0.0


def test_what_does_not_work_is_left_at_once_and_the_last_one_after_a_while() -> None:
    ladder = Ladder()

    assert [(ladder.unfit(1.0), ladder.transport) for _ in range(3)] == [
        (0.0, "sse"),
        (0.0, "poll"),
        (0.25, "websocket"),
    ]


def test_a_connection_that_held_for_5_s_begins_backing_off_anew() -> None:
    ladder = Ladder()

    assert [ladder.lost(1.0, up_s=up_s) for up_s in (None, 1.0, 4.9, 5.0)] == [0.25, 0.5, 1.0, 0.25]


def test_where_nothing_comes_up_the_best_transport_is_next() -> None:
    """The server is away: that is no fault of a transport."""
    ladder = Ladder()
    ladder.unfit(0.0)
    ladder.lost(0.0, up_s=None)
    assert ladder.transport == "websocket"

    ladder.unfit(0.0)
    ladder.lost(0.0, up_s=1.0)
    assert ladder.transport == "sse"


def test_opening_twice_for_nothing_is_enough() -> None:
    ladder = Ladder()
    assert [ladder.broke_early(), ladder.broke_early()] == [False, True]

    ladder.up("websocket", 0.0)
    assert not ladder.broke_early()


def test_better_ones_are_tried_after_a_minute_then_after_twice_as_long() -> None:
    ladder = Ladder()
    ladder.unfit(0.0)
    ladder.unfit(0.0)
    ladder.up("poll", 100.0)

    assert ladder.better(159.9) is None
    assert ladder.better(160.0) == "websocket"
    ladder.better_failed(165.0)
    ladder.up("poll", 165.0)
    assert ladder.better(165.0) == "sse"
    ladder.better_failed(170.0)
    assert ladder.better(289.9) is None
    assert ladder.better(290.0) == "websocket"
    ladder.up("websocket", 291.0)
    assert (ladder.transport, ladder.better(9_999.0)) == ("websocket", None)


# The relay, with attempts that do as they are told.


class ToldAttempt:
    """Ends as told, at once; with `holds`, comes up and stays."""

    def __init__(self, transport: Transport, told: Ending | str) -> None:
        self.transport: Transport = transport
        self.up_at: float | None = None
        self.moves_at: float | None = None
        self._told = told

    async def run(self) -> Ending:
        if isinstance(self._told, str):
            self.up_at = 1.0
            await asyncio.Event().wait()
        assert not isinstance(self._told, str)
        return self._told


class Story:
    """Runs a relay over what each attempt is told, in order; `log` is what observers heard."""

    def __init__(self, *told: Ending | str) -> None:
        self.log: list[str] = []
        self.begun: list[Transport] = []
        self._told = list(told)

    async def run(self, until: Callable[[], bool] = lambda: False) -> None:
        feed = Feed(ViewerPosition("audit"))
        observers = Observers(
            lambda reason, _: self.log.append(reason), lambda to, why: self.log.append(f"{to}: {why}")
        )
        relay = Relay(feed, prepare=self._prepare, begin=self._begin, transports=ALL, observers=observers)
        async with asyncio.timeout(10), relay:
            while not until():
                following = asyncio.ensure_future(feed.next())
                done, _ = await asyncio.wait([following], timeout=0.02)
                following.cancel()
                if done:
                    assert following.result() is None
                    return

    async def _prepare(self) -> None:
        return

    def _begin(self, transport: Transport) -> ToldAttempt:
        self.begun.append(transport)
        return ToldAttempt(transport, self._told.pop(0))


async def test_a_busy_server_is_asked_again_over_the_same_transport() -> None:
    story = Story(Again("busy", 0.0), Again("busy", 0.0), Done())
    await story.run()

    assert story.begun == ["websocket"] * 3
    assert story.log == ["busy", "busy"]


async def test_a_transport_that_never_says_a_word_is_left_the_second_time() -> None:
    story = Story(Again("cut", 0.0, reached=True), Again("cut", 0.0, reached=True), Done())
    await story.run()

    assert story.begun == ["websocket", "websocket", "sse"]
    assert story.log == ["cut", "sse: cut"]


async def test_a_refusal_is_raised_and_nothing_else_is_tried() -> None:
    story = Story(Refused(ExecutionNotFound()))
    with pytest.raises(ExecutionNotFound):
        await story.run()

    assert story.begun == ["websocket"]


async def test_a_successor_that_is_refused_does_not_end_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy may break WebSockets in any way: the stream goes on."""
    monkeypatch.setattr(ladders, "BETTER_FIRST_S", 0.01)
    story = Story(Unfit("refused"), "holds", Refused(ExecutionNotFound()), "holds")
    await story.run(until=lambda: len(story.log) == 2)

    assert story.log == ["sse: refused", "websocket: it works again"]


async def test_a_better_transport_takes_over_once_it_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladders, "BETTER_FIRST_S", 0.05)
    story = Story(Unfit("refused"), "holds", Unfit("still refused"), "holds")
    await story.run(until=lambda: len(story.log) == 2)

    assert story.begun == ["websocket", "sse", "websocket", "websocket"]
    assert story.log == ["sse: refused", "websocket: it works again"]


# What the answers mean.


def test_only_the_servers_own_word_is_final() -> None:
    """A proxy's page, or a path that a proxy has changed, says nothing about the execution."""
    assert is_final(to_error(404, b'{"code":"execution_not_found"}'))
    assert is_final(to_error(401, b'{"code":"unauthorized"}'))
    assert not is_final(to_error(404, b'{"code":"not_found"}'))
    assert not is_final(to_error(403, b"<html>"))
    assert not is_final(to_error(503, b'{"code":"draining"}'))
    assert not is_final(ServerUnreachable())


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_events_are_read_whatever_the_pieces(size: int) -> None:
    text = b'retry: 1000\n\nid: a.1.b\ndata: {"seq":1}\n\n: still here\n\n'
    text += b"event: end\nid: a.1.b\ndata: {}\n\nid: cut"
    parser = EventParser()
    found = [each for at in range(0, len(text), size) for each in parser.feed(text[at : at + size])]

    assert found == [SentEvent("message", "a.1.b", b'{"seq":1}'), SentEvent("end", "a.1.b", b"{}")]
