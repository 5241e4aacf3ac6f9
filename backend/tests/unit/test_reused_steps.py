"""What a retry from a step takes over: the results from before it began, and what they stand in."""

from typing import Any

import pytest
from msgspec import Raw
from tests.support.builders import AT

from headway.domain import events as e
from headway.errors import InvalidInput
from headway.services.recovery import Memo
from headway.services.reused_steps import reused_steps


def start(step_id: str, **more: Any) -> e.StepStarted:
    name = step_id.partition("#")[0].removesuffix("[]")
    return e.StepStarted(step=name, step_id=step_id, key=f"key of {step_id}", **more)


def end(step_id: str, result: bytes | None = b"1") -> e.StepCompleted:
    done = e.StepCompleted(step=step_id.partition("#")[0].removesuffix("[]"), step_id=step_id)
    if result is not None:
        done.result = Raw(result)
    return done


def copied(from_step: str, *log: e.EventData) -> list[str]:
    events = [e.Event(seq, AT, data) for seq, data in enumerate(log, 1)]
    copies = reused_steps(events, from_step)
    told = {e.StepStarted: "+", e.StepCompleted: "="}
    return [told[type(data)] + data.step_id for data in copies]  # type: ignore[index,attr-defined]


LINE = (start("a#1"), end("a#1"), start("b#1"), end("b#1"), start("c#1"), end("c#1"))


@pytest.mark.parametrize(
    ("from_step", "expected"),
    [("a", []), ("b", ["+a#1", "=a#1"]), ("c#1", ["+a#1", "=a#1", "+b#1", "=b#1"])],
)
def test_the_steps_before_it_are_taken_over(from_step: str, expected: list[str]) -> None:
    assert copied(from_step, *LINE) == expected


def test_a_name_means_the_first_step_of_it_and_an_id_that_very_one() -> None:
    log = (start("a#1"), end("a#1"), start("a#2"), end("a#2"))
    assert copied("a", *log) == []
    assert copied("a#2", *log) == ["+a#1", "=a#1"]


def test_what_ran_beside_it_and_was_not_done_yet_is_done_again() -> None:
    log = (start("a#1"), start("b#1"), end("b#1"), start("c#1"), end("a#1"), end("c#1"))
    assert copied("c", *log) == ["+b#1", "=b#1"]


def test_a_result_that_was_not_recorded_is_not_taken_over() -> None:
    assert copied("b", start("a#1"), end("a#1", None), start("b#1")) == []


def test_inside_a_group_the_items_done_before_are_taken_over_with_the_group_begun() -> None:
    log = (
        start("load[]#1", total=3),
        start("load#1", parent="load[]#1"),
        end("load#1"),
        start("load#2", parent="load[]#1"),
    )
    assert copied("load#2", *log) == ["+load[]#1", "+load#1", "=load#1"]


FAN_OUT = (
    start("a#1"),
    end("a#1"),
    start("load[]#1", total=4),
    start("load#1", parent="load[]#1"),
    start("load#2", parent="load[]#1"),
    start("read#1", parent="load#2"),
    end("read#1"),
    end("load#1"),
    start("load#3", parent="load[]#1"),
    start("read#2", parent="load#3"),
    start("b#1"),
    end("read#2"),
    end("load#3"),
    end("b#1"),
    start("load#4", parent="load[]#1"),
    start("read#3", parent="load#4"),
    end("read#3"),
)
FIRST = ["+a#1", "=a#1", "+load[]#1", "+load#1", "=load#1"]
THIRD = ["+load#3", "=load#3", "+read#2", "=read#2"]
FOURTH = ["+load#4", "+read#3", "=read#3"]


@pytest.mark.parametrize("from_step", ["load#2", "read#1"])
def test_items_of_its_group_are_taken_over_that_were_done_after_it_began(from_step: str) -> None:
    """But nothing of its own item, and nothing else that began or ended later."""
    assert copied(from_step, *FAN_OUT) == [*FIRST, *THIRD, *FOURTH]


@pytest.mark.parametrize("from_step", ["load[]#1", "load"])
def test_from_a_group_that_was_not_done_only_what_is_not_done_is_done(from_step: str) -> None:
    second = ["+load#2", "+read#1", "=read#1"]
    assert copied(from_step, *FAN_OUT) == [*FIRST, *second, *THIRD, *FOURTH]


def test_from_a_group_that_was_done_all_of_it_is_done_over() -> None:
    log = (*FAN_OUT, end("load#2"), end("load#4"), end("load[]#1", None))
    assert copied("load[]#1", *log) == ["+a#1", "=a#1"]
    fourth = ["+load#4", "=load#4", "+read#3", "=read#3"]
    assert copied("load#2", *log) == [*FIRST, *THIRD, *fourth], "an item of it is done over alone"


def test_in_the_item_of_an_outer_group_what_came_after_it_is_done_again() -> None:
    log = (
        start("each[]#1", total=2),
        start("each#1", parent="each[]#1"),
        start("load[]#1", parent="each#1", total=2),
        start("load#1", parent="load[]#1"),
        start("load#2", parent="load[]#1"),
        end("load#1"),
        end("load#2"),
        end("load[]#1", None),
        start("report#1", parent="each#1"),
        end("report#1"),
        start("each#2", parent="each[]#1"),
        end("each#2"),
        end("each#1"),
    )
    expected = ["+each[]#1", "+each#1", "+load[]#1", "+load#2", "=load#2", "+each#2", "=each#2"]
    assert copied("load#1", *log) == expected


def test_a_group_that_is_done_is_taken_over_as_done() -> None:
    log = (
        start("load[]#1", total=1),
        start("load#1", parent="load[]#1"),
        end("load#1"),
        end("load[]#1", None),
        start("sum#1"),
    )
    assert copied("sum", *log) == ["+load[]#1", "=load[]#1", "+load#1", "=load#1"]


def test_an_unknown_step_is_refused_by_its_field_with_those_there_were() -> None:
    with pytest.raises(InvalidInput) as refused:
        copied("d", *LINE)
    [fault] = refused.value.errors
    assert fault == {"field": "from_step", "message": "'d' never began; it had a#1, b#1, c#1"}


def test_the_copies_are_recalled_as_the_results_of_a_run_that_was_cut_off() -> None:
    copies = reused_steps([e.Event(seq, AT, data) for seq, data in enumerate(LINE, 1)], "c")
    memo = Memo.of(e.Event(seq, AT, data) for seq, data in enumerate(copies, 1))
    assert memo.completed == 2
    record = memo.ask("key of a#1", "a")
    assert (record.step_id, record.ended, bytes(record.result), record.reused) == (  # type: ignore[arg-type]
        *("a#1", "completed", b"1"),
        True,
    )
    assert memo.unused() == ["b#1"]
    assert list(memo.unclaimed()) == [], "code that asks for something else is no fault in a retry"
    assert memo.ask("another key", "a").step_id == "a#2"


def test_what_was_only_begun_there_has_not_been_tried_here_and_gives_its_number_away() -> None:
    copies = reused_steps([e.Event(seq, AT, data) for seq, data in enumerate(FAN_OUT, 1)], "load#2")
    log = [*copies, e.ExecutionStarted(attempt=1, worker="w")]
    memo = Memo.of(e.Event(seq, AT, data) for seq, data in enumerate(log, 1))
    group = memo.ask("key of load[]#1", "load", group=True)
    assert (group.step_id, group.attempt, group.ended) == ("load[]#1", 0, None)
    assert memo.ask("key of load#1", "load").step_id == "load#1"
    assert memo.ask("key of load#2", "load").step_id == "load#2"
    assert memo.ask("key of load#3", "load").step_id == "load#3"
    assert memo.ask("a fifth", "load").step_id == "load#5"
