"""The whole feed as a state machine: journal, session, network and viewers under every fault we can name.

After every step: what a viewer shows is exactly some committed history from its snapshot on (D1), its state
is the fold at its cursor (D2), a cursor of another history is never resumed (D4), the seal comes with the
last event and never else (D6). Conflated frames keep the fold (D5): a viewer in mode `state` is held to D2
too. A workflow's viewer goes from one execution to the one that was created next, whatever their ids, also
over two connections at once. L1-L6 are asked of the journal. When the faults stop, every viewer reaches the
head though every hint was lost (D3).
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec import UNSET
from msgspec.structs import replace
from tests.support.builders import AT, a_new_execution
from tests.support.feed_model import Connection, Node
from tests.support.viewer_model import View, ViewerModel

from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId, execution_id
from headway.domain.position import Cursor, chain, initial_tag
from headway.errors import ExecutionClosed, LeaseLost
from headway.ports import Appended, Batch, Lease, NewExecution
from headway.protocol import client_session, resume, subscription, viewer_position
from headway.protocol import messages as m
from headway.protocol.codec import lines_of
from headway.protocol.session import SessionOptions
from headway.protocol.subscription import Pacing
from headway.services.states import encode_state

VIEWERS = st.integers(0, 2)
FIRST_MS = 1_795_000_000_000  # about the time of `a_new_execution`
FAULTS = st.sampled_from(["lose", "repeat", "swap", "alter"])
SMALL = SessionOptions(
    limits=m.Limits(window_events=12, window_bytes=4_096, messages_per_s=10_000, burst=10_000),
    pacing=Pacing(frame_events=4, frame_bytes=1_024, conflated_events=10),
)


def a_run_of(size: int, serial: int) -> list[e.EventData]:
    """Events that no other run repeats, with progress and log lines that conflation may leave out."""
    events: list[e.EventData] = []
    for n in range(serial, serial + size):
        step = {"step": "load", "step_id": f"load#{n % 2}"}
        match n % 5:
            case 0:
                events.append(e.StepStarted(**step, attempt=n))
            case 1:
                events.append(e.Log("ERROR" if n % 2 else "INFO", f"line {n}"))
            case _:
                progress = 10.0 if n % 3 else UNSET
                note = f"at {n}" if n % 7 == 0 else None
                events.append(e.StepProgressed(**step, progress=progress, done=n, message=note))
    return events


class Feed(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.now, self.serial, self.epochs, self.restores = 0.0, 0, 0, 0
        self.new = self.first = a_new_execution()
        self.places = {self.new.execution_id: 0}  # of all that ever were: each has epochs of its own
        self.followers: set[tuple[str, str]] = set()  # what was created after what, in any history
        self.truth: dict[str, tuple[State, list[bytes]]] = {}  # by cursor: the fold and all lines up to it
        self.accepted: list[Batch | NewExecution] = []
        self.unanswered: Batch | None = None  # the producer did not hear what became of it
        self.node = Node(self._journal(), self.new.execution_id)
        self._learn()
        self._take_over()
        self.viewers = [ViewerModel(self.new.execution_id, mode) for mode in ("full", "state")]
        self.viewers.append(ViewerModel(self.new.workflow_id, whole=20))
        self.kept = [viewer.view.copy() for viewer in self.viewers]
        self.connections: dict[int, Connection] = {}
        self.left: dict[int, Connection] = {}  # still there beside the one that takes over

    # The producer.

    @precondition(lambda self: self.unanswered is None and not self.node.head().closed)
    @rule(size=st.integers(1, 9), fate=st.sampled_from(["stored", "stored", "lost before", "lost after"]))
    def append(self, size: int, fate: str) -> None:
        """The process may die before the commit or after it: either way it does not hear the outcome."""
        batch = self._batch(a_run_of(size, self.serial))
        self.serial += size
        if fate != "lost before":
            self._append(batch)
        if fate == "stored":
            self.producer_seq += size
        else:
            self.unanswered = batch

    @precondition(lambda self: self.unanswered is not None)
    @rule()
    def retry(self) -> None:
        """L5: a batch that was stored already adds nothing and keeps its place."""
        batch, before = self.unanswered, self.node.head()
        stored = batch in self.accepted
        answer = self._append(batch)

        assert answer.duplicate == stored
        assert (self.node.head() == before) == stored
        self.unanswered = None
        self.producer_seq += len(batch.bodies)

    @rule()
    def fence(self) -> None:
        """L5: once another worker holds the execution, the former one adds nothing."""
        if self.node.head().closed:
            return
        zombie = replace(self._batch(a_run_of(1, self.serial)), first_producer_seq=10_000)
        self._take_over()
        before = self.node.head()
        [refusal] = self.node.journal.append([zombie])

        assert isinstance(refusal, LeaseLost)
        assert self.node.head() == before

    @precondition(lambda self: self.unanswered is None and not self.node.head().closed)
    @rule()
    def finish(self) -> None:
        """L4: the terminal event is the last one."""
        head = self.node.head()
        state = self.truth[str(head.cursor)][0]
        totals = state.sealed_totals()
        result = e.ExecutionResult(execution_id=self.new.execution_id, status="completed", totals=totals)
        end = e.ExecutionCompleted(totals=totals, result=result)
        state = state.copy()
        state.apply(e.Event(head.last_seq + 1, AT, end))
        batch = self._batch([end])
        self._append(
            replace(batch, closes=True, expected_last_seq=head.last_seq, checkpoint=encode_state(state))
        )
        self.producer_seq += 1

        [refusal] = self.node.journal.append([self._batch(a_run_of(1, self.serial))])
        assert isinstance(refusal, ExecutionClosed)

    @precondition(lambda self: self.node.head().closed)
    @rule(later_ms=st.integers(-3, 3), entropy=st.integers(0, 9))
    def succeed(self, later_ms: int, entropy: int) -> None:
        """The workflow runs again; the id is of the same millisecond, or the clock was set."""
        new = a_new_execution(execution_id(FIRST_MS + later_ms, entropy << 16 | len(self.places)))
        self.places[new.execution_id] = len(self.places)
        self._create(new)
        self._take_over()

    @precondition(lambda self: self.node.head().closed)
    @rule(share=st.floats(0, 1))
    def trim(self, share: float) -> None:
        """Retention removes the start of a closed log."""
        self.node.journal.trim(self.new.execution_id, round(share * self.node.head().last_seq))

    @rule(keep=st.integers(0, 12), announced=st.booleans(), grow=st.integers(0, 9))
    def restore(self, keep: int, announced: bool, grow: int) -> None:
        """An older copy of the database comes back, and the execution goes on differently from there."""
        self.epochs, self.restores = self.epochs + announced, self.restores + 1
        entries, self.accepted = self.accepted[:keep], []
        self._write(self.first)
        self.node.journal = self._journal()
        self._learn()
        for entry in entries:
            if isinstance(entry, Batch):
                self._append(replace(entry, lease=None))
            else:
                self._create(entry)
        self.unanswered = None
        if not self.node.head().closed:
            self._take_over()
            if grow:
                self.append(grow, "stored")

    # The viewers and the network.

    @rule(viewer=VIEWERS)
    def connect(self, viewer: int) -> None:
        self.connections[viewer] = Connection(
            self.node, self.viewers[viewer], self.now, SMALL, self._on_frame
        )

    @rule(viewer=VIEWERS)
    def take_over(self, viewer: int) -> None:
        """Another connection begins beside the one that there is, as where the server asks to move."""
        if viewer in self.connections:
            self.left[viewer] = self.connections[viewer]
        self.connect(viewer)

    @rule(viewer=VIEWERS)
    def leave(self, viewer: int) -> None:
        """The older one of two connections ends."""
        self.left.pop(viewer, None)

    @rule(viewer=VIEWERS, share=st.floats(0, 1))
    def cut(self, viewer: int, share: float) -> None:
        """The connection ends after byte k: whole frames before it arrive, the rest does not."""
        connection = self.connections.pop(viewer, None)
        if connection is None:
            return
        left = share * sum(map(len, connection.frames))
        while connection.frames and (left := left - len(connection.frames[0])) >= 0:
            connection.deliver(self.now)

    @rule(viewer=VIEWERS)
    def keep(self, viewer: int) -> None:
        """The page saves what it has."""
        self.kept[viewer] = self.viewers[viewer].view.copy()

    @rule(viewer=VIEWERS)
    def reload(self, viewer: int) -> None:
        """The page comes back with what it saved, however old."""
        for connections in (self.connections, self.left):
            connections.pop(viewer, None)
        self.viewers[viewer].view = self.kept[viewer].copy()
        self.connect(viewer)

    @rule(viewer=VIEWERS, questions=st.integers(0, 8), frames=st.integers(0, 8), older=st.booleans())
    def work(self, viewer: int, questions: int, frames: int, older: bool = False) -> None:
        """The server answers some questions, the network delivers some frames; zero is a stall."""
        connection = (self.left if older else self.connections).get(viewer)
        if connection is None:
            return
        for _ in range(questions):
            connection.answer(self.now)
        for _ in range(frames):
            connection.deliver(self.now)

    @rule(
        viewer=VIEWERS, fault=st.sampled_from(["lose", "repeat", "swap", "alter"]), frames=st.integers(1, 6)
    )
    def meddle(self, viewer: int, fault: str, frames: int) -> None:
        """Something loses, repeats, swaps or alters a frame: no socket does, a faulty server might."""
        connection = self.connections.get(viewer)
        for _ in range(frames if connection else 0):
            connection.answer(self.now)
        if connection is None or not connection.frames:
            return
        queue = connection.frames
        match fault:
            case "lose" if not queue[0].startswith(b'{"t":"err"'):  # nobody can know of a refusal but by it
                queue.popleft()
            case "repeat":
                queue.append(queue[0])
            case "swap":
                queue.rotate(1)
            case "alter" if b'"cf"' not in queue[0]:
                head, newline, body = queue[0].partition(b"\n")
                queue[0] = head + newline + body.replace(b'"done":', b'"done":1').replace(b'"line', b'"lime')

    @rule(viewer=VIEWERS, seq=st.one_of(st.none(), st.integers(0, 60)))
    def hint(self, viewer: int, seq: int | None) -> None:
        """A hint may be true, old, or of a log that is gone; most are lost."""
        connection = self.connections.get(viewer)
        if connection is not None and connection.ended is None:
            connection.hint(self.node.head().last_seq if seq is None else seq, self.now)

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 7.0, 15.0, 3_600.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, or the machine slept."""
        self.now += seconds
        self._tick()

    @rule()
    def settle(self) -> None:
        """D3: with the faults over, every viewer is at the head within 20 s, hints or none."""
        self.left.clear()
        for _ in range(32):  # 16 s hold a heartbeat; a frame lost before costs the viewer a second one
            self._reconnect()
            self._drain_all()
            self.now += 1.0
            self._tick()
        for model, execution in zip(self.viewers, (self.first, self.first, self.new), strict=True):
            head = self.node.head(execution.execution_id)
            assert model.view.cursor == head.cursor, model.told
            assert (model.view.sealed is not None) == head.closed  # D6
            if head.closed:
                assert model.view.sealed.events == model.view.state.counts.events == head.last_seq

    # What must hold.

    @invariant()
    def what_a_viewer_shows_was_committed(self) -> None:
        """D1 and D2."""
        for viewer in getattr(self, "viewers", []):
            view: View = viewer.view
            if view.cursor is None:
                continue
            state, lines = self.truth[str(view.cursor)]
            assert view.execution_id == state.execution_id
            assert set(viewer.moves) <= self.followers
            assert json.loads(encode_state(view.state)) == json.loads(encode_state(state))
            assert encode_state(view.state) == encode_state(state)
            if not view.conflated:
                assert view.lines == lines[view.base : view.cursor.seq]
            else:
                assert not Counter(view.lines) - Counter(lines)

    def _on_frame(self, message: m.AnyServerMessage) -> None:
        """D4 and D6, at the moment the server speaks."""
        if isinstance(message, m.SubOk) and message.result == "resumed":
            cursor, of = Cursor.parse(message.cur), ExecutionId(message.execution_id)
            assert cursor.epoch == self.node.head(of).epoch
            assert self.node.journal.tag_at(of, cursor.seq) == cursor.tag
        if isinstance(message, m.Ev):
            assert message.cur in self.truth  # L3
            head = self.node.head(ExecutionId(self.truth[message.cur][0].execution_id))
            assert (message.eos is not None) == (head.closed and message.upto == head.last_seq)

    # How it is done.

    def _journal(self) -> MemoryJournal:
        journal = MemoryJournal(new_epoch=self._epoch)
        journal.create(self.first)
        return journal

    def _epoch(self) -> str:
        """Another one for each execution, and after each restore that is announced."""
        return f"{0x9F3A0000 + (self.places[self.new.execution_id] << 8) + self.epochs:08x}"

    def _create(self, new: NewExecution) -> None:
        self.followers.add((self.new.execution_id, new.execution_id))
        self._write(new)
        self.node.journal.create(new)
        self.accepted.append(new)
        self._learn()

    def _write(self, new: NewExecution) -> None:
        """This is the execution that the producer writes from now on."""
        self.new, self.node.execution_id = new, new.execution_id

    def _take_over(self) -> None:
        """Another worker claims the execution and numbers its events anew."""
        journal = self.node.journal
        for owner in journal.owners():
            journal.release(owner, crashed=False)
        owner = f"worker-{self.serial}"
        [record] = journal.claim(owner, [self.new.workflow_id], 1)
        self.lease = Lease(owner=owner, epoch=record.lease_epoch)
        self.producer_seq, self.unanswered = 1, None

    def _batch(self, events: list[e.EventData]) -> Batch:
        return Batch(
            execution_id=self.new.execution_id,
            producer_id=f"run-{self.restores}",
            producer_epoch=self.lease.epoch,
            first_producer_seq=self.producer_seq,
            bodies=[e.encode_body(data, AT) for data in events],
            lease=self.lease,
        )

    def _append(self, batch: Batch) -> Appended:
        [answer] = self.node.journal.append([batch])
        assert isinstance(answer, Appended), answer
        if not answer.duplicate:
            self.accepted.append(batch)
            self._learn()
        return answer

    def _learn(self) -> None:
        """Fold the log anew from its lines. L1: 1 … n; L2: what a cursor names never changes."""
        head = self.node.head()
        tag = initial_tag(head.epoch)
        state = State(execution_id=self.new.execution_id, workflow_id=self.new.workflow_id)
        bodies = [segment.body for segment in self.node.journal.read(self.new.execution_id, 0)]
        lines = lines_of(b"".join(bodies))
        self.truth.setdefault(str(Cursor(head.epoch, 0, tag)), (state.copy(), []))
        for seq, line in enumerate(lines, 1):
            event = e.decode_line(line)
            tag = chain(tag, line + b"\n")
            assert event.seq == seq
            state.apply(event)
            known = self.truth.setdefault(str(Cursor(head.epoch, seq, tag)), (state.copy(), lines))
            assert known[1][seq - 1] == line
        assert head.cursor == Cursor(head.epoch, len(lines), tag)

    def _tick(self) -> None:
        for connection in (*self.connections.values(), *self.left.values()):
            if connection.ended is None:
                connection.tick(self.now)

    def _reconnect(self) -> None:
        for viewer in range(len(self.viewers)):
            if viewer not in self.connections or self.connections[viewer].ended is not None:
                self.connect(viewer)

    def _drain_all(self) -> None:
        for connection in self.connections.values():
            while connection.questions or connection.frames:
                if connection.ended is not None:
                    break
                connection.answer(self.now)
                connection.deliver(self.now)

    def teardown(self) -> None:
        if hasattr(self, "viewers"):
            self.settle()
            self.what_a_viewer_shows_was_committed()


def feed_settings(**changes: Any) -> settings:
    wanted: dict[str, Any] = {
        "max_examples": 60,
        "stateful_step_count": 40,
        "deadline": None,
        "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
    }
    return settings(**(wanted | changes))


TestFeed = Feed.TestCase
TestFeed.settings = feed_settings()


def a_settled_feed() -> Feed:
    feed = Feed()
    feed.begin()
    feed.append(9, "stored")
    feed.settle()
    return feed


def grown(feed: Feed, viewer: int) -> Connection:
    """The log has grown far, and the server has sent what the window holds; nothing has arrived."""
    for _ in range(4):
        feed.append(9, "stored")
    connection = feed.connections[viewer]
    connection.hint(feed.node.head().last_seq, feed.now)
    while connection.questions:
        connection.answer(feed.now)
    return connection


def comes_back_after_a_restore(feed: Feed) -> None:
    feed.cut(0, 1.0)
    feed.restore(0, False, 9)
    feed.append(9, "stored")
    feed.settle()


def stays_through_a_restore(feed: Feed) -> None:
    feed.restore(0, False, 9)
    feed.append(9, "stored")
    grown(feed, 0)


def stays_through_a_restore_and_silence(feed: Feed) -> None:
    feed.restore(0, False, 9)
    feed.settle()


def loses_a_frame(feed: Feed) -> None:
    grown(feed, 1).frames.popleft()
    feed.work(1, 0, 9)


def gets_a_frame_twice(feed: Feed) -> None:
    frames, told = grown(feed, 0).frames, list(feed.viewers[0].told)
    frames.insert(1, frames[0])
    feed.settle()
    assert feed.viewers[0].told == told


def gets_an_altered_frame(feed: Feed) -> None:
    grown(feed, 0)
    feed.meddle(0, "alter", 1)
    feed.work(0, 0, 1)


def loses_the_end_of_an_execution(feed: Feed) -> None:
    """And has the beginning of the next one."""
    feed.append(3, "stored")
    feed.finish()
    feed.succeed(-1, 0)
    connection = feed.connections[2]
    connection.tick(feed.now)
    connection.hint(9_999, feed.now)
    for _ in range(2):
        while connection.questions:
            connection.answer(feed.now)
        connection.tick(feed.now)
    while b'"eos"' in connection.frames[0] or b'"t":"ev"' in connection.frames[0]:
        connection.frames.popleft()
    feed.work(2, 0, 9)


def tell(feed: Feed, story: Callable[[Feed], None]) -> None:
    story(feed)
    feed.what_a_viewer_shows_was_committed()


STORIES: list[tuple[Any, str, bool, Callable[[Feed], None]]] = [
    (resume, "same_history", True, comes_back_after_a_restore),
    (subscription, "continues", True, stays_through_a_restore),
    (viewer_position, "follows", True, loses_a_frame),
    (viewer_position, "is_duplicate", False, gets_a_frame_twice),
    (viewer_position, "is_same_chain", True, gets_an_altered_frame),
    (client_session, "is_at", True, loses_the_end_of_an_execution),
]


@pytest.mark.parametrize("story", [stays_through_a_restore_and_silence, *(story for *_, story in STORIES)])
def test_a_named_fault_is_survived(story: Callable[[Feed], None]) -> None:
    feed = a_settled_feed()
    tell(feed, story)
    feed.settle()


@pytest.mark.parametrize(("module", "check", "answer", "story"), STORIES, ids=[row[1] for row in STORIES])
def test_no_check_is_idle(
    module: Any, check: str, answer: bool, story: Callable[[Feed], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the check taken away, an invariant breaks in the fault it is there for."""
    feed = a_settled_feed()
    monkeypatch.setattr(module, check, lambda *_: answer)

    with pytest.raises((AssertionError, KeyError)):
        tell(feed, story)
