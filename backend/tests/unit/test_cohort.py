"""Watchers that are written to together: each gets everything once, and answers for itself alone."""

import math

from headway.protocol.close_codes import CloseCode
from headway.services.chunk import Chunk
from headway.services.cohort import Cohort, Member


class Same:
    """Every run as the same bytes."""

    def frame_of(self, run: Chunk) -> bytes:
        return b"frame"


class Reader:
    """Takes frames until it is told to fail or to leave."""

    def __init__(self, cohort: Cohort, *, until_seq: float = math.inf, until_bytes: float = math.inf) -> None:
        self.cohort = cohort
        self.member = Member(cohort.seq, until_seq, until_bytes)
        self.frames: list[bytes] = []
        self.fails = self.leaves = False
        self.ended: CloseCode | None = None
        cohort.add(self, self.member, self.write)

    def write(self, frame: bytes) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.frames.append(frame)
        if self.leaves:
            self.cohort.remove(self)

    def given(self, chunk: Chunk) -> None:
        raise AssertionError

    def missed(self, upto: int) -> None:
        raise AssertionError

    def end(self, code: CloseCode, reason: str) -> None:
        self.ended = code


def test_a_write_that_fails_ends_its_own_and_all_others_are_written_to() -> None:
    cohort = Cohort(Same(), 0)
    readers = [Reader(cohort) for _ in range(5)]
    readers[0].fails = readers[3].fails = True

    cohort.write(b"frame", 4)

    assert [reader.ended for reader in readers] == [
        CloseCode.INTERNAL_ERROR, None, None, CloseCode.INTERNAL_ERROR, None
    ]  # fmt: skip
    assert [len(reader.frames) for reader in readers] == [0, 1, 1, 0, 1]


def test_whoever_leaves_in_its_own_write_has_got_that_frame_and_no_other() -> None:
    cohort = Cohort(Same(), 0)
    readers = [Reader(cohort) for _ in range(3)]
    cohort.write(b"one", 2)
    readers[1].leaves = True
    cohort.write(b"three", 5)
    cohort.write(b"more", 7)

    assert readers[1].frames == [b"one", b"three"]
    assert (readers[1].member.upto, readers[1].member.written_bytes) == (5, 8)
    assert readers[2].frames == [b"one", b"three", b"more"]


def test_only_those_that_may_not_be_sent_so_much_are_spent() -> None:
    cohort = Cohort(Same(), 10)
    by_events, by_bytes, free = Reader(cohort, until_seq=15), Reader(cohort, until_bytes=900), Reader(cohort)
    assert (cohort.until_seq, cohort.until_bytes) == (15, 900)
    assert cohort.spent(15, 900) == []
    assert cohort.spent(16, 900) == [by_events]
    assert cohort.spent(15, 901) == [by_bytes]
    for spent in (by_events, by_bytes):
        cohort.remove(spent)
    assert cohort.spent(1_000, 9_000) == []
    assert (cohort.until_seq, cohort.until_bytes) == (math.inf, math.inf)
    assert list(cohort.members) == [free]


def test_an_account_goes_on_when_two_cohorts_become_one() -> None:
    first, second = Cohort(Same(), 0), Cohort(Same(), 0)
    early, late = Reader(first, until_seq=50), Reader(second, until_seq=40)
    first.write(b"12345", 3)
    second.write(b"123", 3)
    first.take_over(second)
    assert not second.members
    assert first.until_seq == 40

    first.write(b"1", 4)
    for reader in (early, late):
        first.remove(reader)
    assert (early.member.since, early.member.upto, early.member.written_bytes) == (0, 4, 6)
    assert (late.member.since, late.member.upto, late.member.written_bytes) == (0, 4, 4)
