"""Which batches the log takes, and what they become: rules that every journal shares; stores nothing."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from headway.domain.events import stored_line
from headway.domain.position import chain
from headway.errors import AppendConflict, ExecutionClosed, LeaseLost, ProducerGap
from headway.ports import Appended, Batch, NewExecution, Segment, Summary

QUEUE_PRODUCER = "queue"  # who numbers `execution.queued`
QUEUED = Summary(status="running", phase="queued", progress=0.0)
_KIND = re.compile(rb'^\{"seq":\d+,"kind":"([^"]*)"', re.MULTILINE)
CHECKPOINT_SPACING = 1_000  # events; of checkpoints that lie closer, the older ones are let go


class Standing(NamedTuple):
    """How an execution stands when a batch arrives."""

    last_seq: int
    last_tag: int
    closed: bool
    lease_owner: str | None
    lease_epoch: int


class ProducerMark(NamedTuple):
    """The last batch of one producer: its numbers, and where it went."""

    producer_id: str
    epoch: int
    last_producer_seq: int
    first_seq: int
    size: int
    tag: int


def admit(batch: Batch, standing: Standing, mark: ProducerMark | None) -> Appended | Exception | None:
    """Decide on a batch, given its producer's last one.

    A repeated batch is answered before anything else is asked: it is stored, whatever has changed since.

    Returns:
        `None` to store it now, `Appended` if it is stored already, else the refusal.
    """
    if not batch.bodies:
        return ValueError("a batch holds at least one event")
    expected = 1
    if mark is not None and batch.producer_epoch <= mark.epoch:
        if batch.producer_epoch < mark.epoch:
            return LeaseLost(f"producer {batch.producer_id} has gone on in epoch {mark.epoch}")
        if _repeats(batch, mark):
            return Appended(mark.first_seq, mark.first_seq + mark.size - 1, mark.tag, duplicate=True)
        expected = mark.last_producer_seq + 1
    lease = batch.lease
    if lease is not None and (lease.epoch != standing.lease_epoch or lease.owner != standing.lease_owner):
        return LeaseLost(owner=standing.lease_owner, lease_epoch=standing.lease_epoch)
    if standing.closed:
        return ExecutionClosed(last_seq=standing.last_seq)
    if batch.first_producer_seq != expected:
        got = batch.first_producer_seq
        told = f"the producer's next number is {expected}, not {got}; nothing was stored"
        return ProducerGap(told, expected=expected, got=got)
    if batch.expected_last_seq is not None and batch.expected_last_seq != standing.last_seq:
        return AppendConflict(expected=batch.expected_last_seq, last_seq=standing.last_seq)
    return None


def overlooks(batch: Batch, bodies: Iterable[bytes]) -> bool:
    """Whether the batch holds although the log has got these stored lines since `expected_last_seq`."""
    kinds = {kind.decode() for body in bodies for kind in _KIND.findall(body)}
    return kinds <= batch.overlooks


def queued_batch(new: NewExecution) -> Batch:
    """The first batch of every log."""
    return Batch(
        execution_id=new.execution_id,
        producer_id=QUEUE_PRODUCER,
        first_producer_seq=1,
        bodies=[new.queued, *new.first],
        summary=QUEUED,
    )


def seal(batch: Batch, last_seq: int, last_tag: int) -> Segment:
    """The batch as the segment that follows `last_seq`."""
    first_seq, next_seq = last_seq + 1, last_seq + 1 + len(batch.bodies)
    lines = list(map(stored_line, range(first_seq, next_seq), batch.bodies))
    lines.append(b"")
    body = b"\n".join(lines)
    return Segment(first_seq, next_seq - 1, last_tag, chain(last_tag, body), body)


def mark_of(batch: Batch, segment: Segment) -> ProducerMark:
    """What to remember of the batch that became `segment`."""
    return ProducerMark(
        batch.producer_id,
        batch.producer_epoch,
        batch.first_producer_seq + len(batch.bodies) - 1,
        segment.first_seq,
        len(batch.bodies),
        segment.tag_after,
    )


def _repeats(batch: Batch, mark: ProducerMark) -> bool:
    first = mark.last_producer_seq - mark.size + 1
    return batch.first_producer_seq == first and len(batch.bodies) == mark.size
