"""The Python client's feed over each transport, chosen by itself: one suite, the same rules.

What decides the transport is a proxy in between, as people have them: one that passes upgrades, one that
refuses them, one that holds streams back too.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from tests.support import fault_proxy
from tests.support.authored import AuthoredExecution, define
from tests.support.builders import an_execution_id
from tests.support.fault_proxy import FaultProxy
from tests.support.http_proxy import HttpProxy, http_proxy
from tests.support.server import RunningServer, serving

from headway.cli.backends import ServerBackend
from headway.client import Transport, Update, event_source, http_feed, ladder, watch, websocket
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId, execution_id
from headway.domain.position import Cursor
from headway.errors import ExecutionNotFound, InvalidSetting, Unauthorized, WorkflowNotFound
from headway.protocol import client_session
from headway.services.states import encode_state, load_state

SETTINGS: dict[Transport, dict[str, Any]] = {
    "websocket": {},
    "sse": {"upgrades": "refuse"},
    "poll": {"upgrades": "strip", "buffers": True, "drops": ["accept"]},
}
WITHIN_S = 15.0
_days = count(1)  # the server is every test's: no two may have the same ids


@dataclass
class Path:
    """From a client to the server: a TCP proxy that fails, then an HTTP proxy that is set up badly."""

    server: RunningServer
    transport: Transport
    http: HttpProxy
    tcp: FaultProxy
    cuts: list[str] = field(default_factory=list)
    transports: list[Transport] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.tcp.url

    def watch(self, watched_id: str, **asked: Any) -> AsyncIterator[Update]:
        return watch(
            self.url,
            watched_id,
            on_cut=lambda reason, _: self.cuts.append(reason),
            on_transport=lambda transport, _: self.transports.append(transport),
            **asked,
        )

    def authored(self, workflow_id: str = "audit", id: ExecutionId | None = None) -> AuthoredExecution:
        execution = AuthoredExecution(self.server.journal, self.server.hints, workflow_id, id=id)
        execution.start()
        return execution

    def head(self, execution: AuthoredExecution) -> Cursor:
        return self.server.journal.get(execution.id).head.cursor


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr(event_source, "FIRST_BYTE_S", 0.5)
    monkeypatch.setattr(http_feed, "LOOK_AGAIN_S", 0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with serving() as running:
        define(running.journal, "audit", "nightly", "never")
        yield running


@asynccontextmanager
async def path_to(server: RunningServer, transport: Transport, **settings: Any) -> AsyncIterator[Path]:
    async with (
        http_proxy(server.port, **(SETTINGS[transport] | settings)) as http,
        FaultProxy(int(http.url.rpartition(":")[2])) as tcp,
    ):
        yield Path(server, transport, http, tcp)


@pytest.fixture(params=list(SETTINGS))
async def path(server: RunningServer, request: pytest.FixtureRequest) -> AsyncIterator[Path]:
    async with path_to(server, request.param) as found:
        yield found


async def all_of(updates: AsyncIterator[Update]) -> list[Update]:
    async with asyncio.timeout(WITHIN_S):
        return [update async for update in updates]


def seqs(updates: list[Update]) -> list[int | None]:
    return [update.seq for update in updates]


async def test_a_log_is_given_once_and_whole_and_proven(path: Path) -> None:
    execution = path.authored()
    execution.log(2_500)
    execution.complete()

    updates = await all_of(path.watch(execution.id, after=0))

    assert seqs(updates) == list(range(1, execution.last_seq + 1))
    assert updates[-1].is_terminal
    assert (updates[-1].cursor, updates[-1].verified_from) == (str(path.head(execution)), 0)
    assert path.transports[-1:] == ([] if path.transport == "websocket" else [path.transport])


async def test_each_update_has_the_cursor_behind_it(path: Path) -> None:
    execution = path.authored()
    execution.log(20)
    execution.complete()

    for update in await all_of(path.watch(execution.id, after=0)):
        assert update.cursor is not None
        cursor = Cursor.parse(update.cursor)
        assert cursor.seq == update.seq
        assert path.server.journal.tag_at(execution.id, cursor.seq) == cursor.tag


async def test_what_is_committed_arrives(path: Path) -> None:
    execution, seen = path.authored(), []
    async with asyncio.timeout(WITHIN_S):
        async for update in path.watch(execution.id):
            seen.append(update.seq)
            if update.seq == execution.last_seq and update.seq < 6:
                execution.log()
            elif update.seq == 6:
                execution.fail()

    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("after", [1, 7, 12])
async def test_it_goes_on_after_a_seq(path: Path, after: int) -> None:
    execution = path.authored()
    execution.log(10)
    execution.complete()

    updates = await all_of(path.watch(execution.id, after=after))

    assert seqs(updates) == list(range(after + 1, 14))
    assert updates[-1].verified_from == after


async def test_it_goes_on_behind_a_cursor_and_ends_where_nothing_follows(path: Path) -> None:
    execution = path.authored()
    execution.log(10)
    execution.complete()
    updates = await all_of(path.watch(execution.id))

    assert seqs(await all_of(path.watch(execution.id, cursor=updates[4].cursor))) == list(range(6, 14))
    assert await all_of(path.watch(execution.id, cursor=updates[-1].cursor)) == []


async def test_a_long_log_begins_with_its_state_and_its_last_lines(path: Path) -> None:
    execution = path.authored()
    execution.log(1_500)
    feed = path.watch(execution.id, tail=50)

    async with asyncio.timeout(WITHIN_S):
        first = await anext(feed)
        execution.complete()
        rest = await all_of(feed)

    assert first.snapshot
    assert first.state is not None
    assert encode_state(first.state) == encode_state(load_state(path.server.journal, execution.id, 1_502))
    assert b"fetched page 1502" in bytes(first.recent[-1])
    assert len(first.recent) >= 50
    assert seqs(rest) == [1_503]
    assert rest[-1].verified_from == 1_502


async def test_a_long_log_that_has_ended_is_its_state(path: Path) -> None:
    execution = path.authored()
    execution.log(1_500)
    execution.complete()

    [only] = await all_of(path.watch(execution.id))

    assert only.is_terminal
    assert only.data["status"] == "completed"


async def test_over_cuts_nothing_is_missed_or_repeated(path: Path) -> None:
    execution, seen = path.authored(), []
    async with asyncio.timeout(WITHIN_S):
        async for update in path.watch(execution.id, after=0):
            seen.append(update.seq)
            if update.seq in (50, 150):
                path.tcp.refuses = True
                for link in path.tcp.links:
                    link.cut_after(1_000)  # in the middle of whatever comes next
                asyncio.get_running_loop().call_later(0.05, setattr, path.tcp, "refuses", False)
            if update.seq == execution.last_seq and update.seq < 300:
                execution.log(40)
            elif update.seq == execution.last_seq and not update.is_terminal:
                execution.complete()

    assert seen == list(range(1, execution.last_seq + 1))
    assert path.cuts


async def test_another_history_is_told_with_its_reason_and_begun_anew(path: Path) -> None:
    execution = path.authored()
    execution.log(10)
    execution.complete()
    epoch = path.head(execution).epoch

    updates = await all_of(path.watch(execution.id, cursor=f"{epoch}.5.0badc0de"))

    assert (updates[0].snapshot, updates[0].why, updates[0].as_of) == (True, "fork", 0)
    assert seqs(updates[1:]) == list(range(1, 14))


async def test_a_log_that_is_replaced_under_the_viewer_is_told(path: Path) -> None:
    """The server comes back with another database; what was shown of the old one does not count."""
    execution, other = path.authored(), None
    execution.log(10)
    seen: list[Update] = []
    with serving() as restored:
        async with asyncio.timeout(WITHIN_S):
            async for update in path.watch(execution.id, after=0):
                seen.append(update)
                if update.seq == 12 and other is None:
                    other = AuthoredExecution(restored.journal, restored.hints, id=execution.id)
                    other.log(5, "another history")
                    other.complete()
                    path.http.port = restored.port
                    for link in path.tcp.links:
                        link.cut()

    assert seqs(seen) == [*range(1, 13), None, *range(1, 8)]
    assert seen[12].why == "epoch"
    assert seen[-1].verified_from == 0


async def test_a_workflow_is_followed_from_one_execution_to_the_next(path: Path) -> None:
    workflow_id = f"nightly_{path.transport}"
    define(path.server.journal, workflow_id)
    first, second = path.authored(workflow_id), None
    seen = []
    async with asyncio.timeout(WITHIN_S):
        async for update in path.watch(workflow_id, after=0):
            seen.append((update.execution_id, update.seq))
            if second is None:
                first.complete()
                second = path.authored(workflow_id)
                second.complete()
            elif update.execution_id == second.id and update.is_terminal:
                break

    assert seen == [(each.id, seq) for each in (first, second) for seq in (1, 2, 3)]


@pytest.mark.parametrize("earlier_ms", [0, 3_600_000], ids=["in one millisecond", "clock set back"])
async def test_a_workflow_is_followed_in_the_order_of_creation_whatever_the_ids(
    path: Path, earlier_ms: int
) -> None:
    """None is skipped or seen twice, though each id sorts before the one that was created before it."""
    workflow_id = f"hourly_{path.transport}_{earlier_ms}"
    define(path.server.journal, workflow_id)
    day_ms = 1_795_400_000_000 + next(_days) * 86_400_000
    ids = [execution_id(day_ms - n * earlier_ms, 9 - 4 * n) for n in range(3)]
    first, seen = path.authored(workflow_id, ids[0]), list[tuple[str, int | None]]()
    async with asyncio.timeout(WITHIN_S):
        async for update in path.watch(workflow_id, after=0):
            seen.append((update.execution_id, update.seq))
            if seen == [(first.id, 1)]:
                for each in (first, *(path.authored(workflow_id, each) for each in ids[1:])):
                    each.complete()
            if update.execution_id == ids[-1] and update.is_terminal:
                break

    assert ids == sorted(ids, reverse=True)
    assert seen == [(each, seq) for each in ids for seq in (1, 2, 3)]
    assert path.cuts == []


async def test_a_workflow_goes_on_where_its_execution_is_gone(path: Path) -> None:
    """The server comes back with a copy from before it began: the viewer is told, and sees the other one."""
    workflow_id = f"weekly_{path.transport}"
    define(path.server.journal, workflow_id)
    lost, seen = path.authored(workflow_id), list[tuple[str, int | None, str | None]]()
    with serving() as restored:
        define(restored.journal, workflow_id)
        other = AuthoredExecution(restored.journal, restored.hints, workflow_id)
        other.complete()
        async with asyncio.timeout(WITHIN_S):
            async for update in path.watch(workflow_id, after=0):
                seen.append((update.execution_id, update.seq, update.why))
                if update.is_terminal:
                    break
                path.http.port = restored.port
                for link in path.tcp.links if update.execution_id == lost.id else ():
                    link.cut()

    assert seen == [
        (lost.id, 1, None),
        (lost.id, 2, None),
        (other.id, None, "ahead"),
        (other.id, 1, None),
        (other.id, 2, None),
    ]


async def test_a_workflow_that_never_ran_is_waited_for(path: Path) -> None:
    workflow_id = f"new_{path.transport}"
    define(path.server.journal, workflow_id)
    feed = path.watch(workflow_id)
    first = asyncio.ensure_future(anext(feed))
    await asyncio.sleep(0)
    execution = path.authored(workflow_id)

    update = await asyncio.wait_for(first, WITHIN_S)

    assert (update.execution_id, update.seq) == (execution.id, 1)
    await feed.aclose()


@pytest.mark.parametrize(
    ("watched", "error"), [(an_execution_id(), ExecutionNotFound), ("unheard_of", WorkflowNotFound)]
)
async def test_what_the_server_does_not_know_is_raised(
    path: Path, watched: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await all_of(path.watch(watched))


@pytest.mark.parametrize("transport", list(SETTINGS))
async def test_a_token_is_needed_and_enough(transport: Transport) -> None:
    with serving(token="secret") as guarded:
        async with path_to(guarded, transport) as path:
            execution = path.authored()
            execution.complete()
            assert seqs(await all_of(path.watch(execution.id, token="secret"))) == [1, 2, 3]
            for token in (None, "wrong"):
                with pytest.raises(Unauthorized):
                    await all_of(path.watch(execution.id, token=token))


async def test_a_reader_in_no_hurry_loses_nothing_and_holds_little(path: Path) -> None:
    """Events wait at the server, not here."""
    execution = path.authored()
    execution.log(12_000)
    execution.complete()
    seen = 0
    async with asyncio.timeout(WITHIN_S):
        async for update in path.watch(execution.id, after=0):
            seen += 1
            if seen % 500 == 0:
                await asyncio.sleep(0.001)
            assert update.seq == seen

    assert seen == execution.last_seq


# What only one of them has.


async def test_a_better_transport_is_taken_once_it_works(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the one in use, so that nothing waits meanwhile; and both ways are said."""
    monkeypatch.setattr(ladder, "BETTER_FIRST_S", 0.1)
    async with path_to(server, "sse") as path:
        execution, seen = path.authored(), []
        async with asyncio.timeout(WITHIN_S):
            async for update in path.watch(execution.id, after=0):
                seen.append(update.seq)
                if path.transports[-1] == "websocket" and not update.is_terminal:
                    break
                if update.seq == execution.last_seq:
                    path.http.upgrades = "pass"
                    await asyncio.sleep(0.02)
                    execution.log()

    assert seen == list(range(1, len(seen) + 1))
    assert path.transports == ["sse", "websocket"]
    assert path.cuts == []


@pytest.mark.parametrize("settings", [{"upgrades": "mute"}, {"drops": ["sec-websocket-protocol"]}])
async def test_a_websocket_that_says_nothing_is_given_up(
    server: RunningServer, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "OPEN_TIMEOUT_S", 0.5)
    async with path_to(server, "websocket", **settings) as path:
        execution = path.authored()
        execution.complete()
        assert seqs(await all_of(path.watch(execution.id))) == [1, 2, 3]

    assert path.transports == ["sse"]


async def test_the_command_line_says_how_it_follows(
    server: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with path_to(server, "sse") as path:
        execution = path.authored()
        execution.complete()
        async with ServerBackend(path.url, None) as backend:
            assert seqs(await all_of(backend.watch(execution.id, 0))) == [1, 2, 3]

    assert capsys.readouterr().err == (
        "Now following by Server-Sent Events (the upgrade to a WebSocket was answered 400)\n"
    )


async def test_a_stream_that_is_held_back_is_given_up_for_pages(server: RunningServer) -> None:
    async with path_to(server, "sse", buffers=True) as path:
        execution, seen = path.authored(), []
        async with asyncio.timeout(WITHIN_S):
            async for update in path.watch(execution.id):
                seen.append(update.seq)
                if update.seq == 2:
                    execution.complete()

    assert seen == [1, 2, 3]
    assert path.transports == ["sse", "poll"]


async def test_a_proxy_that_ends_waiting_pages_is_asked_for_shorter_ones(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with path_to(server, "poll", idle_s=1.5) as path:
        execution, seen = path.authored(), []
        async with asyncio.timeout(WITHIN_S):
            async for update in path.watch(execution.id, transports=["poll"]):
                seen.append(update.seq)
                if update.seq == 2:
                    asyncio.get_running_loop().call_later(4.0, execution.complete)

    assert seen == [1, 2, 3]
    assert path.cuts == []


async def test_a_half_open_connection_is_left(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No frame for 25 s: what looks open is not believed."""
    monkeypatch.setattr(client_session, "SILENCE_S", 1.0)
    async with path_to(server, "websocket") as path:
        execution, seen = path.authored(), []
        async with asyncio.timeout(WITHIN_S):
            async for update in path.watch(execution.id, after=0):
                seen.append(update.seq)
                if update.seq == 2:
                    path.tcp.links[0].freeze("down")
                    execution.log(5)
                    execution.complete()

    assert seen == list(range(1, 9))
    assert path.cuts == ["no frame for 1 s"]


async def test_a_frame_that_takes_longer_than_silence_may_last_is_waited_for(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_session, "SILENCE_S", 1.5)
    monkeypatch.setattr(fault_proxy, "CHUNK_BYTES", 2_000)
    async with path_to(server, "websocket") as path:
        execution, seen = path.authored(), []
        async with asyncio.timeout(WITHIN_S):
            async for update in path.watch(execution.id, after=0):
                seen.append(update.seq)
                if update.seq == 2:
                    path.tcp.links[0].delay_s = 0.25
                    execution.log(1, "x" * 20_000)
                    execution.complete()

    assert seen == [1, 2, 3, 4]
    assert path.cuts == []


async def test_a_server_that_drains_is_left_without_a_gap() -> None:
    """Another connection is up before the old one is closed: no cut is ever told."""
    with serving() as old:
        async with path_to(old, "websocket") as path:
            execution, seen = path.authored(), []
            successor = serving(old.journal, old.hints)
            async with asyncio.timeout(WITHIN_S):
                async for update in path.watch(execution.id, after=0):
                    seen.append(update.seq)
                    if update.seq == 2:
                        path.http.port = successor.__enter__().port
                        old.server.handle_exit(signal.SIGTERM, None)
                        asyncio.get_running_loop().call_later(3.0, execution.complete)
            successor.__exit__(None, None, None)

    assert seen == [1, 2, 3]
    assert path.cuts == []


async def test_a_cursor_and_a_seq_contradict() -> None:
    with pytest.raises(InvalidSetting):
        await all_of(watch("http://127.0.0.1:9", an_execution_id(), after=1, cursor="9f3a01bc.1.00000000"))
    with pytest.raises(InvalidSetting):
        await all_of(watch("http://127.0.0.1:9", "audit", cursor="9f3a01bc.1.00000000"))


async def test_the_state_of_a_snapshot_is_the_callers_own(path: Path) -> None:
    """Folding into it changes nothing that the feed relies on."""
    execution = path.authored()
    execution.log(1_500)
    feed = path.watch(execution.id)
    first = await asyncio.wait_for(anext(feed), WITHIN_S)
    assert isinstance(first.state, State)
    execution.complete()
    for update in await all_of(feed):
        event = update.event()
        assert event is not None
        first.state.apply(event)

    assert encode_state(first.state) == encode_state(load_state(path.server.journal, execution.id))
