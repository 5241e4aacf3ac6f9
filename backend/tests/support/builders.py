"""Values for tests, with defaults for all that a test does not care about."""

from itertools import count

from msgspec import Raw

from headway.domain.events import ExecutionQueued, Log, encode_body
from headway.domain.identifiers import ExecutionId, WorkflowId, execution_id
from headway.domain.position import chain
from headway.ports import Batch, Lease, NewExecution, Segment, Summary

AT = "2026-11-22T21:30:00.123456Z"
WORKFLOW = WorkflowId("audit")
_serial = count(1)


def an_execution_id() -> ExecutionId:
    """A new id, later than all before it."""
    serial = next(_serial)
    return execution_id(1_795_000_000_000 + serial, serial * 0x9E3779B97F4A7C15F39C)


def a_body(message: str = "fetched page 1") -> bytes:
    return encode_body(Log("INFO", message), AT)


def bodies(number: int, first: int = 1) -> list[bytes]:
    return [a_body(f"line {n}") for n in range(first, first + number)]


def a_new_execution(
    id: ExecutionId | None = None,
    workflow_id: str = WORKFLOW,
    *,
    input: bytes = b'{"path": "/srv"}',
    retry_of: ExecutionId | None = None,
    idempotency_key: str | None = None,
    request_digest: str | None = None,
) -> NewExecution:
    return NewExecution(
        execution_id=id or an_execution_id(),
        workflow_id=WorkflowId(workflow_id),
        input=input,
        queued=encode_body(ExecutionQueued(input=Raw(input), by="ada", retry_of=retry_of), AT),
        created_at=AT,
        by="ada",
        retry_of=retry_of,
        idempotency_key=idempotency_key,
        request_digest=request_digest,
    )


def a_summary(phase: str = "running", *, status: str = "running", started_at: str | None = AT) -> Summary:
    return Summary(status=status, phase=phase, progress=42.0, attempt=1, started_at=started_at)


def a_batch(
    execution_id: ExecutionId,
    size: int = 1,
    *,
    producer_id: str = "run",
    first_producer_seq: int = 1,
    producer_epoch: int = 0,
    lease: Lease | None = None,
    expected_last_seq: int | None = None,
    closes: bool = False,
    summary: Summary | None = None,
    checkpoint: bytes | None = None,
    progressed: bool = False,
) -> Batch:
    """`size` log lines that name their producer and its numbers, so that no two events are alike."""
    numbers = range(first_producer_seq, first_producer_seq + size)
    return Batch(
        execution_id=execution_id,
        producer_id=producer_id,
        first_producer_seq=first_producer_seq,
        bodies=[a_body(f"{producer_id}/{producer_epoch} {number}") for number in numbers],
        producer_epoch=producer_epoch,
        lease=lease,
        expected_last_seq=expected_last_seq,
        closes=closes,
        summary=summary,
        checkpoint=checkpoint,
        progressed=progressed,
    )


def lines_of(segments: list[Segment]) -> list[bytes]:
    """The stored lines, after a check that the segments join and their tags chain."""
    lines: list[bytes] = []
    for before, segment in zip([None, *segments], segments, strict=False):
        if before is not None:
            assert (segment.first_seq, segment.tag_before) == (before.last_seq + 1, before.tag_after)
        assert chain(segment.tag_before, segment.body) == segment.tag_after
        assert segment.body.endswith(b"\n")
        lines += segment.body[:-1].split(b"\n")
        assert segment.body.count(b"\n") == segment.last_seq - segment.first_seq + 1
    return lines
