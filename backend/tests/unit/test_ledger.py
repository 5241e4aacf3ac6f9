"""What is accounted for is what was sent, however it is cut into parts."""

from hypothesis import given
from hypothesis import strategies as st

from headway.domain.position import Cursor
from headway.protocol.effects import Offer
from headway.services.ledger import KEPT_EVENTS, MAX_PARTS, Ledger

EPOCH = "0a1b2c3d"


def runs_of(sizes: list[tuple[int, int]]) -> list[Offer]:
    """Runs of so many events and bytes, one behind the other."""
    runs, seq = list[Offer](), 0
    for count, size in sizes:
        before, seq = Cursor(EPOCH, seq, seq * 7), seq + count
        behind = Cursor(EPOCH, seq, seq * 7)
        runs.append(Offer(before=before, behind=behind, count=count, size=size, closes=False))
    return runs


def a_ledger(runs: list[Offer]) -> Ledger:
    ledger = Ledger()
    for run in runs:
        ledger.add(run)
    return ledger


@given(st.data())
def test_the_parts_between_two_ends_are_few_and_leave_nothing_out(data: st.DataObject) -> None:
    runs = runs_of(data.draw(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9_000)), min_size=1)))
    ends = [0, *(run.upto for run in runs)]
    after, upto = sorted(data.draw(st.tuples(st.sampled_from(ends), st.sampled_from(ends))))
    ledger = a_ledger(runs)

    parts = ledger.between(after, upto)

    assert len(parts) <= MAX_PARTS
    covered = [run for run in runs if after < run.upto <= upto]
    assert sum(part.count for part in parts) == upto - after
    assert sum(part.size for part in parts) == sum(run.size for run in covered)
    assert ledger.bytes_upto(upto) - ledger.bytes_upto(after) == sum(run.size for run in covered)
    at = after
    for part in parts:
        assert (part.before.seq, part.behind.seq - part.before.seq) == (at, part.count)
        at = part.upto
    assert at == upto


def test_a_place_is_known_by_its_whole_cursor() -> None:
    ledger = a_ledger(runs_of([(3, 10), (4, 10)]))
    assert ledger.ends_at(Cursor(EPOCH, 7, 49))
    assert ledger.ends_at(Cursor(EPOCH, 3, 21))
    assert not ledger.ends_at(Cursor(EPOCH, 7, 50))
    assert not ledger.ends_at(Cursor("ffffffff", 7, 49))
    assert not ledger.ends_at(Cursor(EPOCH, 5, 35))
    assert not ledger.ends_at(Cursor(EPOCH, 0, 0))


def test_what_nobody_can_ask_for_is_forgotten_and_the_rest_stays_right() -> None:
    runs = runs_of([(100, 1_000)] * 400)
    ledger = a_ledger(runs)

    head = runs[-1].upto
    assert len(ledger._runs) <= 2 * KEPT_EVENTS // 100 + 1
    assert sum(part.size for part in ledger.between(head - 4_000, head)) == 40_000
    assert ledger.bytes_upto(head) == 400_000
    assert ledger.bytes_upto(head - 4_000) == 360_000
