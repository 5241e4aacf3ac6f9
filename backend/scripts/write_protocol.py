"""Write `protocol/`: JSON Schema and golden files, which both languages are held to (`make protocol`)."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw
from scripts.rich_vectors import rich_files
from scripts.yaml_text import yaml_text

from headway.domain import events as e
from headway.domain.execution import MAX_CONTROLS, MAX_STEPS, State
from headway.domain.position import chain, initial_tag
from headway.protocol.asyncapi import asyncapi_document
from headway.protocol.schema import protocol_schema

ROOT = Path(__file__).resolve().parents[2] / "protocol"
EXECUTION, WORKFLOW = "01JX4Q8ZK3M5N7P9R1T3V5W7Y9", "nightly_import"


def result(
    status: str, totals: e.Totals, output: bytes = b"null", error: str | None = None
) -> e.ExecutionResult:
    return e.ExecutionResult(
        execution_id=EXECUTION, status=status, output=Raw(output), error=error, totals=totals
    )


def opening(attempt: int = 1, plan: list[e.PlannedStep] | None = None) -> list[e.EventData]:
    return [
        e.ExecutionQueued(input=Raw(b'{"path":"orders.csv","limit":null}'), by="ana"),
        e.ExecutionStarted(
            attempt=attempt, worker="worker-1", plan=plan or [], progress=0.0, indeterminate=not plan
        ),
    ]


def completes() -> list[e.EventData]:
    plan = [e.PlannedStep("fetch"), e.PlannedStep("load", ["fetch"], 3.0)]
    totals = e.Totals(10, 2, 0)
    return [
        *opening(plan=plan),
        e.StepStarted(step="fetch", step_id="fetch#1", key="9f3a01bc22d4e6f8"),
        e.Log(
            "INFO",
            "loaded 4,000 rows — ünïcode ✓ \u001b[32mgreen\u001b[0m",
            "fetch#1",
            "fetch",
            "etl.fetch",
            "logging",
        ),
        e.StepProgressed(progress=12.5, step="fetch", step_id="fetch#1", done=21, total=42, unit="page"),
        e.StepCompleted(
            progress=25.0,
            step="fetch",
            step_id="fetch#1",
            key="9f3a01bc22d4e6f8",
            duration_s=1.25,
            result=Raw(b"4000"),
        ),
        e.StepSkipped(step="load", step_id="load#1", message="nothing to load"),
        e.Output(
            name="report.html",
            media_type="text/html",
            size=34_211,
            sha256="0" * 64,
            message="report.html (33 KiB)",
        ),
        e.StepProgressed(progress=99.0, message="finishing"),
        e.ExecutionCompleted(totals=totals, result=result("completed", totals, b'{"rows":4000}')),
    ]


def fails_after_retries() -> list[e.EventData]:
    totals = e.Totals(8, 4, 3)
    error = "KeyError: 'sku'"
    return [
        *opening(),
        e.StepStarted(step="load", step_id="load#1", attempt=1),
        e.StepRetrying(
            step="load",
            step_id="load#1",
            attempt=1,
            max_attempts=2,
            backoff_s=0.5,
            message=f"load failed: {error}; try 2 of 2 in 0.5 s",
            error=error,
            traceback="Traceback …",
        ),
        e.StepStarted(step="load", step_id="load#1", attempt=2),
        e.Log("ERROR", "row 4,112 has no sku", "load#1", "load"),
        e.StepFailed(
            step="load",
            step_id="load#1",
            attempt=2,
            message=f"load failed: {error}",
            error=error,
            duration_s=0.8,
            input='{"row":4112,"path":"ünïcode.csv"}',
        ),
        e.ExecutionFailed(
            error=error,
            traceback="Traceback …",
            step="load",
            step_id="load#1",
            progress=0.0,
            totals=totals,
            result=result("failed", totals, error=error),
        ),
        e.Log("INFO", "after the end: changes nothing"),
    ]


def is_cancelled() -> list[e.EventData]:
    totals = e.Totals(9, 0, 0)
    control = {"control": "cancel", "control_id": "c-1", "by": "ana"}
    return [
        *opening(),
        e.StepStarted(step="fetch", step_id="fetch#1"),
        e.StepStarted(step="watch", step_id="watch#1", parent="fetch#1"),
        e.ControlRequested(**control, phase="cancelling", message="cancel requested by ana"),
        e.ControlDelivered(control="cancel", control_id="c-1"),
        e.StepCancelled(step="fetch", step_id="fetch#1"),
        e.ControlEffective(control="cancel", control_id="c-1"),
        e.ExecutionCancelled(by="ana", progress=0.0, totals=totals, result=result("cancelled", totals)),
    ]


def is_cancelled_by_force() -> list[e.EventData]:
    """Two receipts, by two people; what follows the forced request need not say so again."""
    totals = e.Totals(9, 0, 0)
    forced = {"control": "cancel", "control_id": "c-2", "by": "ben", "force": True}
    return [
        *opening(),
        e.StepStarted(step="fetch", step_id="fetch#1"),
        e.ControlRequested(control="cancel", control_id="c-1", by="ana", phase="cancelling"),
        e.ControlRequested(**forced, phase="cancelling"),
        e.ControlDelivered(control="cancel", control_id="c-2"),
        e.ControlEffective(control="cancel", control_id="c-1", by="ana"),
        e.ControlEffective(**forced),
        e.ExecutionCancelled(by="ana", progress=0.0, totals=totals, result=result("cancelled", totals)),
    ]


def resumes_with_a_group() -> list[e.EventData]:
    return [
        *opening(),
        e.StepStarted(step="load", step_id="load[]#1", total=3, unit="item"),
        e.StepStarted(step="load", step_id="load#1", parent="load[]#1", key="a"),
        e.StepStarted(step="load", step_id="load#2", parent="load[]#1", key="b"),
        e.StepCompleted(
            progress=0.0,
            indeterminate=True,
            step="load",
            step_id="load#1",
            key="a",
            duration_s=0.1,
            result=Raw(b'{"ok":true}'),
        ),
        e.StepProgressed(
            progress=0.0, indeterminate=True, step="load", step_id="load[]#1", done=1, total=3, unit="item"
        ),
        e.ExecutionResumed(attempt=2, worker="worker-2", reused_steps=1, progress=0.0, indeterminate=True),
        e.StepStarted(step="load", step_id="load#2", attempt=2, parent="load[]#1", key="b"),
        e.Gap(dropped=12, logs=10, progress=2, message="12 events were dropped while the store stalled"),
        e.StepCompleted(step="ghost", step_id="ghost#1", message="its start was never seen"),
    ]


def waits() -> list[e.EventData]:
    """Two approvals, a timer and signals at once; the second answer to a question changes nothing."""
    form = Raw(b'{"type":"object","properties":{"amount":{"type":"integer"}},"required":["amount"]}')
    approve = {"control": "approve", "control_id": "c-1", "by": "ana"}
    return [
        *opening(),
        e.WaitStarted(wait_id="timer-1", wait="timer", key="a", until="2026-11-22T21:31:00.000000Z"),
        e.ApprovalRequested(
            approval_id="approval-1",
            message="Pay the bill?",
            key="b",
            step_id="pay#1",
            form=form,
            deadline="2026-11-23T21:30:00.000000Z",
            on_deadline="reject",
        ),
        e.ApprovalRequested(approval_id="approval-2", message="Deploy?", key="c"),
        e.SignalReceived(signal_id="s-1", name="page", value=Raw(b"[1,2]"), by="ben"),
        e.SignalReceived(signal_id="s-2", name="page"),
        e.SignalReceived(signal_id="s-3", name="stop"),
        e.ControlRequested(**approve),
        e.ApprovalAnswered(
            approval_id="approval-1",
            approved=True,
            phase="waiting",
            by="ana",
            values=Raw(b'{"amount":12}'),
            reason="within the budget",
            control_id="c-1",
        ),
        e.ApprovalAnswered(approval_id="approval-1", approved=False, expired=True),
        e.ControlDelivered(**approve),
        e.ControlEffective(**approve),
        e.WaitEnded(wait_id="timer-1", wait="timer", outcome="elapsed", phase="waiting", key="a"),
        e.WaitEnded(
            wait_id="signal-1", wait="signal", outcome="received", key="d", name="page", signal_id="s-1"
        ),
        e.WaitStarted(wait_id="signal-2", wait="signal", name="more", key="e", message="waits for more"),
        e.ExecutionResumed(attempt=2, worker="worker-2", progress=0.0, indeterminate=True),
        e.WaitEnded(wait_id="approval-2", wait="approval", outcome="cancelled", phase="running"),
        e.WaitStarted(wait_id="signal-2", wait="signal", name="more", key="e"),
    ]


def does_over_from_a_step() -> list[e.EventData]:
    retry = {"control": "retry", "control_id": "c-1", "by": "ana"}
    return [
        e.ExecutionQueued(input=Raw(b"{}"), by="ana", retry_of=EXECUTION, from_step="load#1"),
        e.ControlRequested(**retry),
        e.StepStarted(step="fetch", step_id="fetch#1", key="a"),
        e.StepCompleted(step="fetch", step_id="fetch#1", key="a", reused=True, result=Raw(b"4000")),
        e.ControlDelivered(**retry),
        e.ExecutionStarted(attempt=1, worker="worker-1", reused_steps=1, progress=0.0, indeterminate=True),
        e.ControlEffective(**retry),
        e.StepStarted(step="load", step_id="load#1", key="b"),
        e.ApprovalRequested(approval_id="approval-1", message="Deploy?"),
        e.ExecutionFailed(error="E", totals=e.Totals(10, 0, 0), result=result("failed", e.Totals(10, 0, 0))),
    ]


def outgrows_the_controls() -> list[e.EventData]:
    """Controls that had their effect leave the state first, answered questions likewise."""
    signals = [
        e.ControlRequested(control="signal", control_id=f"c-{n}", by="ana")
        for n in range(1, MAX_CONTROLS + 1)
    ]
    return [
        *signals,
        e.ControlEffective(control="signal", control_id="c-2"),
        e.ControlRequested(control="signal", control_id="late-1"),
        e.ControlRequested(control="signal", control_id="late-2"),
    ]


def outgrows_the_state() -> list[e.EventData]:
    """Finished steps leave the state first, then the oldest running one."""
    many = [e.StepStarted(step="s", step_id=f"s#{n}") for n in range(1, MAX_STEPS + 1)]
    return [
        *many,
        e.StepCompleted(step="s", step_id="s#2"),
        e.StepStarted(step="s", step_id="late#1"),
        e.StepStarted(step="s", step_id="late#2"),
    ]


def moves_only_known_steps() -> list[e.EventData]:
    """Progress of a step that never started, or fell out of the state, moves the execution alone."""
    return [
        *opening(),
        e.StepProgressed(progress=5.0, step="ghost", step_id="ghost#1", done=1, total=2, message="from afar"),
        e.StepStarted(step="load", step_id="load#1"),
        e.StepProgressed(progress=50.0, step="load", step_id="load#1", done=1, total=2),
    ]


def counts_in_its_body() -> list[e.EventData]:
    """The workflow's own figures are the execution's, and known from the first on; a step's are not."""
    totals = e.Totals(8, 0, 0)
    return [
        *opening(),
        e.StepStarted(step="tick", step_id="tick#1"),
        e.StepProgressed(indeterminate=True, progress=0.0, step="tick", step_id="tick#1", done=5, total=5),
        e.StepCompleted(indeterminate=True, progress=0.0, step="tick", step_id="tick#1"),
        e.StepProgressed(progress=2.33, done=7, total=300, unit="tick"),
        e.StepProgressed(progress=2.67, done=8, message="the unit and the total stay"),
        e.StepProgressed(
            progress=2.67, step_id="tick#1", done=99, message="an id without a name is nobody's"
        ),
        e.ExecutionCancelled(progress=2.67, totals=totals, result=result("cancelled", totals)),
    ]


def waits_in_the_queue() -> list[e.EventData]:
    """The plan is known from the first event on; a start without one takes it back, a resumption does not."""
    plan = [e.PlannedStep("fetch"), e.PlannedStep("load", ["fetch"])]
    return [
        e.ExecutionQueued(input=Raw(b"{}"), plan=plan),
        e.ExecutionStarted(attempt=1, worker="worker-1", progress=0.0, indeterminate=True),
        e.ExecutionResumed(attempt=2, worker="worker-2", progress=0.0, plan=plan[:1]),
        e.ExecutionResumed(attempt=3, worker="worker-3", progress=0.0),
    ]


def fails_without_a_percentage() -> list[e.EventData]:
    """Nobody knew how much there was, and nobody does at the end."""
    totals = e.Totals(5, 1, 1)
    return [
        *opening(),
        e.StepStarted(step="load", step_id="load#1"),
        e.StepFailed(step="load", step_id="load#1", message="load#1 failed: E", error="E"),
        e.ExecutionFailed(error="E", progress=0.0, totals=totals, result=result("failed", totals, error="E")),
    ]


SCENARIOS = {
    "completes": completes,
    "fails-after-retries": fails_after_retries,
    "is-cancelled": is_cancelled,
    "is-cancelled-by-force": is_cancelled_by_force,
    "resumes-with-a-group": resumes_with_a_group,
    "outgrows-the-state": outgrows_the_state,
    "moves-only-known-steps": moves_only_known_steps,
    "counts-in-its-body": counts_in_its_body,
    "waits-in-the-queue": waits_in_the_queue,
    "fails-without-a-percentage": fails_without_a_percentage,
    "waits": waits,
    "does-over-from-a-step": does_over_from_a_step,
    "outgrows-the-controls": outgrows_the_controls,
}


def lines_of(events: list[e.EventData]) -> list[bytes]:
    return [
        e.stored_line(seq, e.encode_body(data, f"2026-11-22T21:30:{seq % 60:02}.{seq:06}Z"))
        for seq, data in enumerate(events, 1)
    ]


def fold_vector(name: str, lines: list[bytes]) -> dict[str, Any]:
    """The events arrive with a repeat in the middle: a fold that counts twice fails."""
    state = State(execution_id=EXECUTION, workflow_id=WORKFLOW)
    fed = [*lines[:3], *lines[1:3], *lines[3:]] if len(lines) < 100 else lines
    for line in fed:
        state.apply(e.decode_line(line))
    return {
        "name": name,
        "execution_id": EXECUTION,
        "workflow_id": WORKFLOW,
        "events": [json.loads(line) for line in fed],
        "state": json.loads(msgspec.json.encode(state)),
    }


def golden_frames() -> Iterator[dict[str, Any]]:
    """Every kind once: the stored line, and the simple-mode frame made of it."""
    seen: set[str] = set()
    for scenario in SCENARIOS.values():
        for line in lines_of(scenario()):
            event = json.loads(line)
            if event["kind"] in seen:
                continue
            seen.add(event["kind"])
            head = f'{{"execution_id":"{EXECUTION}","workflow_id":"{WORKFLOW}",'
            yield {"kind": event["kind"], "line": line.decode(), "frame": head + line.decode()[1:]}


def tag_chain() -> dict[str, Any]:
    epoch = "9f3a01bc"
    tag, steps = initial_tag(epoch), []
    for line in lines_of(completes()):
        tag = chain(tag, line + b"\n")
        steps.append({"line": line.decode(), "tag": f"{tag:08x}"})
    return {"epoch": epoch, "initial": f"{initial_tag(epoch):08x}", "events": steps}


def files() -> Iterator[tuple[Path, str]]:
    """Every generated file with its text."""
    pretty = {"indent": 2, "ensure_ascii": False}
    yield ROOT / "schema.json", json.dumps(protocol_schema(), **pretty) + "\n"
    yield ROOT / "asyncapi.yaml", yaml_text(asyncapi_document())
    yield ROOT / "fixtures" / "frames.json", json.dumps(list(golden_frames()), **pretty) + "\n"
    yield ROOT / "fixtures" / "tags.json", json.dumps(tag_chain(), **pretty) + "\n"
    for path, content in rich_files():
        yield ROOT / "fixtures" / path, json.dumps(content, **pretty) + "\n"
    for name, scenario in SCENARIOS.items():
        vector = fold_vector(name, lines_of(scenario()))
        layout = pretty if len(vector["events"]) < 100 else {"ensure_ascii": False}
        yield ROOT / "fixtures" / "fold" / f"{name}.json", json.dumps(vector, **layout) + "\n"


def main() -> int:
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT.parent)}  {len(text):,} characters\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
