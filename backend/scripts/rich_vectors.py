"""Vectors of the rich protocol for `write_protocol`: the decision table, conflated runs, whole exchanges."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.position import Cursor, chain, initial_tag
from headway.domain.stored_lines import text_of
from headway.errors import ExecutionNotFound
from headway.protocol import messages as m
from headway.protocol.codec import encode, encode_events, lines_of
from headway.protocol.conflation import conflate
from headway.protocol.effects import Close, Effect, Found, Piece, Send, SendEvents
from headway.protocol.resume import Reset, Resumed, decide
from headway.protocol.session import Session

EPOCH, EXECUTION = "9f3a01bc", "01JX4Q8ZK3M5N7P9R1T3V5W7Y9"
WORKFLOW, NEXT_EPOCH, NEXT = "nightly_import", "b07e11ed", "01JX4Q8ZK3M5N7P9R1T3V5W7Y0"
NOW = "2026-11-22T21:30:00.000000Z"


@dataclass(frozen=True, slots=True)
class LogEnd:
    """A head without a journal."""

    epoch: str = EPOCH
    last_seq: int = 40
    last_tag: int = 0xAA
    closed: bool = False
    trimmed_upto: int = 0


DECISIONS: list[tuple[str, str | None, LogEnd, int | None, m.Mode]] = [
    ("no cursor", None, LogEnd(), None, "full"),
    ("in the middle", f"{EPOCH}.17.000000aa", LogEnd(), 0xAA, "full"),
    ("at the head", f"{EPOCH}.40.000000aa", LogEnd(), 0xAA, "full"),
    ("at the head of a closed log", f"{EPOCH}.40.000000aa", LogEnd(closed=True), 0xAA, "full"),
    ("before the first event", f"{EPOCH}.0.000000aa", LogEnd(), 0xAA, "full"),
    ("another epoch", "00000000.17.000000aa", LogEnd(), 0xAA, "full"),
    ("another epoch, and ahead", "00000000.99.000000aa", LogEnd(), None, "full"),
    ("ahead of the log", f"{EPOCH}.41.000000aa", LogEnd(), None, "full"),
    ("trimmed away", f"{EPOCH}.9.000000aa", LogEnd(trimmed_upto=10), None, "full"),
    ("at the edge of what was trimmed", f"{EPOCH}.10.000000aa", LogEnd(trimmed_upto=10), 0xAA, "full"),
    ("another history", f"{EPOCH}.17.000000aa", LogEnd(), 0xAB, "full"),
    ("another history at the head", f"{EPOCH}.40.000000ab", LogEnd(), 0xAA, "full"),
    ("a tag that nobody can recompute", f"{EPOCH}.17.000000aa", LogEnd(), None, "full"),
    ("far behind, all wanted", f"{EPOCH}.17.000000aa", LogEnd(last_seq=99_999), 0xAA, "full"),
    ("far behind, state wanted", f"{EPOCH}.17.000000aa", LogEnd(last_seq=99_999), 0xAA, "state"),
    ("as far behind as allowed", f"{EPOCH}.17.000000aa", LogEnd(last_seq=10_017), 0xAA, "state"),
    ("one event further", f"{EPOCH}.17.000000aa", LogEnd(last_seq=10_018), 0xAA, "state"),
    ("far behind in another history", f"{EPOCH}.17.000000aa", LogEnd(last_seq=99_999), 0xAB, "state"),
]


def resume_vectors() -> list[dict[str, Any]]:
    """The decision table, one row a case."""
    return [_resume_vector(*case) for case in DECISIONS]


def _resume_vector(name: str, cur: str | None, head: LogEnd, tag: int | None, mode: m.Mode) -> dict[str, Any]:
    decision = decide(Cursor.parse(cur) if cur else None, head, tag=tag, mode=mode)
    result = "resumed" if isinstance(decision, Resumed) else "snapshot"
    return {
        "name": name,
        "cur": cur,
        "mode": mode,
        "head": {"epoch": head.epoch, "last_seq": head.last_seq, "trimmed_upto": head.trimmed_upto},
        "tag": None if tag is None else f"{tag:08x}",
        "result": "reset" if isinstance(decision, Reset) else result,
        "why": decision.why if isinstance(decision, Reset) else None,
    }


def stored(events: list[e.EventData]) -> list[bytes]:
    return [
        e.stored_line(n, e.encode_body(data, f"2026-11-22T21:30:00.{n:06}Z"))
        for n, data in enumerate(events, 1)
    ]


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _progress(done: int | None, **fields: Any) -> e.EventData:
    return e.StepProgressed(step="load", step_id="load#1", done=done, total=9, **fields)


RUNS: dict[str, tuple[int, list[e.EventData]]] = {
    "the last progress of each step": (
        0,
        [e.StepStarted(step="load", step_id="load#1"), *(_progress(n, progress=float(n)) for n in range(6))],
    ),
    "a message that no later one replaces": (
        0,
        [
            e.StepStarted(step="load", step_id="load#1"),
            _progress(1, message="warm"),
            _progress(2),
            _progress(3),
        ],
    ),
    "a figure that later ones do not reach": (0, [_progress(1, progress=40.0), _progress(2, progress=20.0)]),
    "log lines as counts, with a tail": (2, [e.Log("ERROR" if n == 1 else "INFO", f"{n}") for n in range(6)]),
    "progress of a step nobody started makes none": (
        0,
        [e.StepProgressed(step="ghost", step_id="ghost#1", done=1, total=2, progress=5.0)],
    ),
    "nothing to leave out": (0, [e.StepStarted(step="load", step_id="load#1"), _progress(1)]),
}


def conflation_vectors() -> list[dict[str, Any]]:
    """Runs with what a frame keeps of them, and the state both fold to."""
    return [_conflation_vector(name, tail, events) for name, (tail, events) in RUNS.items()]


def _conflation_vector(name: str, tail: int, events: list[e.EventData]) -> dict[str, Any]:
    lines = stored(events)
    kept = conflate(joined(lines), tail=tail)
    state = State(execution_id="x", workflow_id="w")
    for line in lines:
        state.apply(e.decode_line(line))
    return {
        "name": name,
        "tail": tail,
        "lines": [line.decode() for line in lines],
        "kept": [line.decode() for line in lines_of(kept.body)],
        "cf": msgspec.to_builtins(kept.left_out) if kept.left_out else None,
        "state": json.loads(msgspec.json.encode(state)),
    }


class Exchange:
    """Writes down what goes over the wire in a session that reads one short log."""

    def __init__(self, lines: list[bytes], *, closed: bool = False) -> None:
        self.lines, self.closed = lines, closed
        self.execution_id, self.epoch = EXECUTION, EPOCH
        self.session = Session("c-1", 0.0)
        self.wire: list[dict[str, str]] = []

    def tag(self, seq: int) -> int:
        return chain(initial_tag(self.epoch), joined(self.lines[:seq]))

    def cursor(self, seq: int) -> str:
        return str(Cursor(self.epoch, seq, self.tag(seq)))

    def head(self) -> LogEnd:
        last = len(self.lines)
        return LogEnd(self.epoch, last_seq=last, last_tag=self.tag(last), closed=self.closed)

    def say(self, message: m.AnyClientMessage, now: float = 0.0) -> None:
        text = encode(message).decode()
        self.wire.append({"from": "client", "frame": text})
        self.see(self.session.receive(text, now))

    def see(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    self.wire.append({"from": "server", "frame": encode(message).decode()})
                case SendEvents(header=header, lines=lines):
                    self.wire.append(
                        {"from": "server", "frame": encode_events(header, text_of(lines)).decode()}
                    )
                case Close(code, reason):
                    self.wire.append({"from": "server", "close": str(int(code)), "reason": reason})

    def greet(self) -> None:
        self.say(m.Hello(client="vector"))
        self.see(self.session.authenticated(None, 0.0, NOW))

    def find(self, number: int, at: int | None = None) -> None:
        tag = self.tag(at) if at is not None and at <= len(self.lines) else None
        self.see(self.session.found(number, Found(self.execution_id, self.head(), tag)))

    def load(self, number: int, seq: int) -> None:
        state = State(execution_id=self.execution_id, workflow_id=WORKFLOW)
        for line in self.lines[:seq]:
            state.apply(e.decode_line(line))
        logs = [line for line in self.lines[:seq] if b'"kind":"log"' in line]
        cursor = Cursor(self.epoch, seq, self.tag(seq))
        self.see(self.session.snapshot_read(number, cursor, msgspec.json.encode(state), logs))

    def read(self, number: int, after: int) -> None:
        head, last = self.head(), len(self.lines)
        seal = e.decode_line(self.lines[-1]).data.totals if self.closed else None  # type: ignore[attr-defined]
        piece = Piece(
            epoch=self.epoch,
            after=after,
            upto=last,
            tag_before=self.tag(after),
            tag_after=head.last_tag,
            lines=joined(self.lines[after:]),
            count=last - after,
            head=head,
            seal=seal,
        )
        self.see(self.session.events_read(number, piece, 0.0))
        self.see(self.session.written(number, 0.0))


def _log(size: int, *, closed: bool = False) -> list[bytes]:
    events: list[e.EventData] = [e.StepStarted(step="load", step_id="load#1")]
    events += [e.Log("INFO", f"row {n} — ✓") for n in range(2, size + 1)]
    if closed:
        totals = e.Totals(size, size - 2, 0)
        result = e.ExecutionResult(execution_id=EXECUTION, status="completed", totals=totals)
        events[-1] = e.ExecutionCompleted(totals=totals, result=result)
    return stored(events)


def late_join() -> list[dict[str, str]]:
    """A viewer comes in the middle, sees the state at 3, then the tail to the end."""
    exchange = Exchange(_log(3))
    exchange.greet()
    exchange.say(m.Sub(x=EXECUTION))
    exchange.find(1)
    exchange.load(1, 3)
    exchange.lines, exchange.closed = _log(6, closed=True), True
    exchange.lines[:3] = _log(3)
    exchange.see(exchange.session.grew(1, 6))
    exchange.read(1, 3)
    exchange.say(m.Ack(x=EXECUTION, seq=6))
    return exchange.wire


def resumes() -> list[dict[str, str]]:
    """A viewer comes back with its cursor, and gets exactly what it missed."""
    exchange = Exchange(_log(5))
    exchange.greet()
    exchange.say(m.Sub(x=EXECUTION, cur=exchange.cursor(2)))
    exchange.find(1, at=2)
    exchange.read(1, 2)
    return exchange.wire


def is_reset_after_a_restore() -> list[dict[str, str]]:
    """The log was restored and went on differently: the viewer is told, and starts anew."""
    former, exchange = Exchange(_log(5)), Exchange(_log(2) + stored([e.Log("INFO", "other")] * 5)[2:])
    exchange.greet()
    exchange.say(m.Sub(x=EXECUTION, cur=former.cursor(4)))
    exchange.find(1, at=4)
    exchange.load(1, 5)
    return exchange.wire


def is_refused() -> list[dict[str, str]]:
    """A bad message and an unknown execution are answered; a second hello ends the connection."""
    exchange = Exchange(_log(1))
    exchange.greet()
    exchange.say(m.Sub(x=EXECUTION, cur="17", ref="r-1"))
    exchange.say(m.Sub(x="01JX4Q8ZK3M5N7P9R1T3V5W7YA"))
    exchange.see(exchange.session.refused(1, ExecutionNotFound()))
    exchange.say(m.Hello())
    return exchange.wire


def beats_and_drains() -> list[dict[str, str]]:
    """Heartbeat with the head, then the server asks the viewer to move, and ends."""
    exchange = Exchange(_log(3))
    exchange.greet()
    exchange.say(m.Sub(x=EXECUTION, cur=exchange.cursor(3)))
    exchange.find(1, at=3)
    exchange.see(exchange.session.tick(15.0))
    exchange.see(exchange.session.heads_read({1: exchange.head()}, 15.0))
    exchange.say(m.Pong(n=1), 15.1)
    exchange.see(exchange.session.drain(earliest_s=1.0, latest_s=9.0, retry_ms=5_000, now=16.0))
    exchange.see(exchange.session.tick(25.0))
    return exchange.wire


def goes_on() -> list[dict[str, str]]:
    """Behind the end of an execution comes the workflow's next one, though its id is lower."""
    exchange = Exchange(_log(4, closed=True), closed=True)
    exchange.greet()
    exchange.say(m.Sub(x=WORKFLOW, execution_id=EXECUTION, cur=exchange.cursor(2)))
    exchange.find(1, at=2)
    exchange.read(1, 2)
    exchange.say(m.Ack(x=WORKFLOW, seq=4))
    exchange.lines, exchange.closed = _log(3), False
    exchange.execution_id, exchange.epoch = NEXT, NEXT_EPOCH
    exchange.find(1)
    exchange.load(1, 0)
    exchange.read(1, 0)
    return exchange.wire


def is_gone() -> list[dict[str, str]]:
    """The workflow's execution was taken away by a restore: the viewer asks for the workflow anew."""
    exchange = Exchange(_log(3))
    exchange.greet()
    exchange.say(m.Sub(x=WORKFLOW, execution_id=NEXT, cur=f"{NEXT_EPOCH}.2.0000abcd"))
    exchange.see(exchange.session.refused(1, ExecutionNotFound()))
    exchange.say(m.Sub(x=WORKFLOW))
    exchange.find(2)
    exchange.load(2, 3)
    return exchange.wire


EXCHANGES = {
    "late-join": late_join,
    "resumes": resumes,
    "is-reset-after-a-restore": is_reset_after_a_restore,
    "is-refused": is_refused,
    "beats-and-drains": beats_and_drains,
    "goes-on": goes_on,
    "is-gone": is_gone,
}


def rich_files() -> Iterator[tuple[str, Any]]:
    """Each fixture's path below `fixtures`, with its content."""
    yield "resume.json", resume_vectors()
    yield "conflation.json", conflation_vectors()
    for name, exchange in EXCHANGES.items():
        yield f"session/{name}.json", {"name": name, "about": exchange.__doc__, "wire": exchange()}
