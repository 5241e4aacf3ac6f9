"""`sleep`, `approval` and `signal` as a user writes them: what reaches the engine, and what comes back."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import pytest
from pydantic import BaseModel
from tests.support.recording_scope import RecordingScope, entered

from headway import Answer, approval, signal, sleep
from headway.errors import DefinitionError, NotInWorkflow
from headway.ports import Question, Reply, Signal, Timer


class Payment(BaseModel):
    amount: int
    note: str = "none"


class Opaque:
    """Nothing that JSON could say."""


@dataclass
class Place:
    city: str


async def ask(reply: Reply, *args: Any, **options: Any) -> tuple[Any, Question]:
    with entered(RecordingScope()) as scope:
        scope.replies.append(reply)
        answer = await approval(*args, **options)
        [question] = scope.waited
    assert isinstance(question, Question)
    return answer, question


async def test_outside_a_workflow_sleep_just_sleeps_and_nobody_can_be_asked() -> None:
    await sleep(0)
    await asyncio.to_thread(sleep.wait, 0)
    for call in (lambda: approval("Go?"), lambda: signal("page")):
        with pytest.raises(NotInWorkflow):
            await call()


async def test_a_timer_and_a_signal_reach_the_engine() -> None:
    with entered(RecordingScope()) as scope:
        await sleep(2)
        await signal("page", timeout_s=3)
        await asyncio.to_thread(sleep.wait, 1)
    assert scope.waited == [Timer(2.0), Signal(name="page", timeout_s=3.0), Timer(1.0)]


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        (Payment, {"amount": 2}, Payment(amount=2)),
        (Place, {"city": "Oslo"}, Place("Oslo")),
        (int, {"value": 2}, 2),
        (Literal["a", "b"], {"value": "b"}, "b"),
        (list[int], {"value": [1]}, [1]),
        (dict[str, int], {"a": 1}, {"a": 1}),
    ],
)
async def test_an_answer_comes_back_as_the_form_says(form: Any, values: Any, expected: Any) -> None:
    answer, question = await ask(Reply(approved=True, by="ana", values=values), "Go?", form)
    assert answer == Answer(approved=True, by="ana", values=expected)
    assert question.form is not None
    assert msgspec.json.decode(question.form)["type"] == "object"


async def test_an_answer_is_true_where_it_is_yes() -> None:
    no, question = await ask(Reply(approved=False, expired=True), "Go?", deadline_s=60, on_deadline="approve")
    assert (bool(no), no.expired, no.values) == (False, True, None)
    assert (question.deadline_s, question.on_deadline, question.form) == (60.0, "approve", None)


async def test_a_plain_function_gets_the_answer_itself() -> None:
    with entered(RecordingScope()) as scope:
        scope.replies += [Reply(approved=True), "message"]
        answer = await asyncio.to_thread(approval.wait, "Go?")
        assert await asyncio.to_thread(signal.wait, "page") == "message"
    assert answer.approved


@pytest.mark.parametrize(
    "call",
    [
        lambda: sleep(-1),
        lambda: sleep(float("nan")),
        lambda: signal(""),
        lambda: signal("x" * 101),
        lambda: signal("page", timeout_s=0),
        lambda: approval("Go?", deadline_s=-1),
        lambda: approval("Go?", on_deadline="shrug"),
        lambda: approval("Go?", form=Opaque),
    ],
)
async def test_what_cannot_be_waited_for_is_refused(call: Any) -> None:
    with entered(RecordingScope()), pytest.raises(DefinitionError):
        await call()


@pytest.mark.parametrize(
    "call", [lambda: sleep.wait(1), lambda: approval.wait("?"), lambda: signal.wait("s")]
)
async def test_waiting_plainly_on_a_loop_is_refused_where_it_would_stop_everything(call: Any) -> None:
    with entered(RecordingScope()), pytest.raises(RuntimeError, match="await"):
        call()
