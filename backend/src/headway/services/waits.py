"""Waits of one execution: for a time, for a person's answer, for a signal.

Everything here runs on the engine's loop. What is waited for is in the log before anybody can answer it, with
the moment at which the wait ends by itself; so a wait outlives its worker.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, assert_never

import msgspec
from msgspec import UNSET, Raw

from headway.domain import events as e
from headway.domain.timestamps import timestamp
from headway.errors import ApprovalTimeout, SignalTimeout
from headway.ports import Question, Reply, Signal, Timer, Wait
from headway.services.scopes import EngineScope
from headway.services.values import digest
from headway.services.wait_records import WaitRecord

if TYPE_CHECKING:
    from headway.services.running_execution import RunningExecution

MAX_NAP_S = 60.0  # the wall clock may be set: so long a timer trusts its own

_Arrival = asyncio.Future[e.SignalReceived]


class Waits:
    """Carries out the waits of one execution."""

    def __init__(self, execution: "RunningExecution") -> None:
        self._execution = execution
        self._memo = execution.memo.waits
        self._open: dict[str, bool] = {}  # by id: whether it leaves its place to another execution
        self._questions: dict[str, asyncio.Future[e.ApprovalAnswered]] = {}
        self._arrivals: dict[str, deque[_Arrival]] = {}  # who waits for a signal of the name, in order

    async def run(self, scope: EngineScope, wanted: Wait, *, holds_thread: bool = False) -> Any:
        """Wait, or recall how the wait ended."""
        self._execution.check_running()
        match wanted:
            case Timer():
                return await self._sleep(scope, wanted, holds_thread)
            case Question():
                return await self._ask(scope, wanted, holds_thread)
            case Signal():
                return await self._receive(scope, wanted, holds_thread)
        assert_never(wanted)

    def hear(self, data: e.ApprovalAnswered | e.SignalReceived) -> None:
        """Others have put an answer or a signal into the log."""
        if isinstance(data, e.ApprovalAnswered):
            question = self._questions.get(data.approval_id)
            if question is not None and not question.done():
                question.set_result(data)
            return
        waiting = self._arrivals.get(data.name, ())
        arrival = next((one for one in waiting if not one.done()), None)
        if arrival is not None:
            arrival.set_result(data)
        else:
            self._memo.untaken.setdefault(data.name, deque()).append(data)

    async def _sleep(self, scope: EngineScope, wanted: Timer, holds_thread: bool) -> None:
        record = self._memo.ask(digest(scope.path, "sleep", wanted.seconds), "timer")
        if record.ending is not None:
            return
        self._set_end(record, wanted.seconds)
        with self._opened(record, "timer", holds_thread):
            self._state(record, "timer", scope, message=f"waits {wanted.seconds:g} s")
            await self._until(self._execution.loop.create_future(), record.until_ns)
        self._end(record, "timer", "elapsed")

    async def _ask(self, scope: EngineScope, wanted: Question, holds_thread: bool) -> Reply:
        record = self._memo.ask(digest(scope.path, "approval", wanted.message), "approval")
        answer = record.ending
        if not isinstance(answer, e.ApprovalAnswered):
            answer = await self._answer(scope, record, wanted, holds_thread)
        self._execution.take_effect(answer.control_id)
        if answer.expired and wanted.on_deadline == "fail":
            raise ApprovalTimeout(f"nobody answered in time: {wanted.message}", approval_id=record.wait_id)
        values = None if answer.values is UNSET else msgspec.json.decode(answer.values)
        return Reply(
            approved=answer.approved,
            by=answer.by or "",
            values=values,
            reason=answer.reason or "",
            expired=answer.expired,
        )

    async def _answer(
        self, scope: EngineScope, record: WaitRecord, wanted: Question, holds_thread: bool
    ) -> e.ApprovalAnswered:
        """Put the question, unless people see it already, and wait for what comes first."""
        self._set_end(record, wanted.deadline_s)
        question: asyncio.Future[e.ApprovalAnswered] = self._execution.loop.create_future()
        self._questions[record.wait_id] = question
        try:
            with self._opened(record, "approval", holds_thread):
                if not record.is_asked:
                    self._execution.emit(_request(record, wanted, scope))
                if await self._until(question, record.until_ns):
                    return question.result()
            expired = e.ApprovalAnswered(
                approval_id=record.wait_id,
                approved=wanted.on_deadline == "approve",
                phase=self._phase,
                expired=True,
            )
            # An answer that is in the log by then has been heard by then, and it came first.
            await self._execution.commit(expired)
            return question.result() if question.done() else expired
        finally:
            del self._questions[record.wait_id]

    async def _receive(self, scope: EngineScope, wanted: Signal, holds_thread: bool) -> Any:
        record = self._memo.ask(digest(scope.path, "signal", wanted.name), "signal")
        ending = record.ending
        if isinstance(ending, e.WaitEnded):
            taken = self._memo.received(ending.signal_id) if ending.signal_id is not None else None
        else:
            taken = await self._next(scope, record, wanted, holds_thread)
            self._end(record, "signal", "received" if taken else "elapsed", wanted.name, taken)
        if taken is None:
            raise SignalTimeout(f"no signal {wanted.name!r} came in {wanted.timeout_s} s", name=wanted.name)
        self._execution.take_effect(taken.signal_id)
        return msgspec.json.decode(taken.value)

    async def _next(
        self, scope: EngineScope, record: WaitRecord, wanted: Signal, holds_thread: bool
    ) -> e.SignalReceived | None:
        """The oldest signal of the name that nobody has taken, or `None` when the time is over."""
        untaken = self._memo.untaken.get(wanted.name)
        if untaken:
            return untaken.popleft()
        self._set_end(record, wanted.timeout_s)
        arrival: _Arrival = self._execution.loop.create_future()
        waiting = self._arrivals.setdefault(wanted.name, deque())
        waiting.append(arrival)
        try:
            with self._opened(record, "signal", holds_thread, wanted.name):
                self._state(record, "signal", scope, name=wanted.name)
                await self._until(arrival, record.until_ns)
        except asyncio.CancelledError:
            if arrival.done():  # it came as the code gave up: it is the next one's
                self._memo.untaken.setdefault(wanted.name, deque()).appendleft(arrival.result())
            raise
        finally:
            waiting.remove(arrival)
        return arrival.result() if arrival.done() else None

    async def _until(self, future: "asyncio.Future[Any]", until_ns: int | None) -> bool:
        """Whether the future is done by then."""
        while not future.done():
            left_s = None
            if until_ns is not None:
                left_s = (until_ns - self._execution.tools.clock.now_ns()) / 1e9
                if left_s <= 0:
                    return False
                left_s = min(left_s, MAX_NAP_S)
            await asyncio.wait({future}, timeout=left_s)
        return True

    @contextlib.contextmanager
    def _opened(
        self, record: WaitRecord, wait: str, holds_thread: bool, name: str | None = None
    ) -> Iterator[None]:
        self._open[record.wait_id] = not holds_thread
        self._park()
        try:
            yield
        except asyncio.CancelledError:
            self._open.pop(record.wait_id)
            if not self._execution.stopping:  # else the end of the execution says it
                self._end(record, wait, "cancelled", name)
            raise
        else:
            self._open.pop(record.wait_id)
        finally:
            self._park()

    def _park(self) -> None:
        """Whoever waits without a thread takes up no place in the worker."""
        self._execution.tools.park(self._execution.execution_id, any(self._open.values()))

    @property
    def _phase(self) -> str:
        return e.Phase.WAITING if self._open else e.Phase.RUNNING

    def _set_end(self, record: WaitRecord, seconds: float | None) -> None:
        if seconds is not None and record.until_ns is None:
            record.until_ns = self._execution.tools.clock.now_ns() + round(seconds * 1e9)

    def _state(
        self,
        record: WaitRecord,
        wait: str,
        scope: EngineScope,
        *,
        name: str | None = None,
        message: str | None = None,
    ) -> None:
        self._execution.emit(
            e.WaitStarted(
                wait_id=record.wait_id,
                wait=wait,
                key=record.key,
                name=name,
                step_id=scope.step_id,
                until=_text(record.until_ns),
                message=message or f"waits for the signal {name}",
            )
        )

    def _end(
        self,
        record: WaitRecord,
        wait: str,
        outcome: str,
        name: str | None = None,
        taken: e.SignalReceived | None = None,
    ) -> None:
        self._execution.emit(
            e.WaitEnded(
                wait_id=record.wait_id,
                wait=wait,
                outcome=outcome,
                phase=self._phase,
                key=record.key,
                name=name,
                signal_id=taken.signal_id if taken else None,
            )
        )


def _request(record: WaitRecord, wanted: Question, scope: EngineScope) -> e.ApprovalRequested:
    return e.ApprovalRequested(
        approval_id=record.wait_id,
        message=wanted.message,
        key=record.key,
        step_id=scope.step_id,
        form=UNSET if wanted.form is None else Raw(wanted.form),
        deadline=_text(record.until_ns),
        on_deadline=None if wanted.deadline_s is None else wanted.on_deadline,
    )


def _text(until_ns: int | None) -> str | None:
    return None if until_ns is None else timestamp(until_ns)
