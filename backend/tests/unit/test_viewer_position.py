"""Each check of a viewer stands for itself: no other one makes up for it."""

import pytest

from headway.domain.position import Cursor, chain, initial_tag
from headway.protocol import messages as m
from headway.protocol.viewer_position import ViewerPosition

ONE, EPOCH = "01JX4Q8ZK3M5N7P9R1T3V5W7Y9", "9f3a01bc"
LINE = b'{"seq":9}\n'


def at(seq: int, epoch: str = EPOCH, tag: int = 7) -> Cursor:
    return Cursor(epoch, seq, tag)


def conflated(after: int, cursor: Cursor) -> m.Ev:
    return m.Ev(x=ONE, after=after, upto=cursor.seq, cur=str(cursor), n=1, cf=m.LeftOut(events=3))


@pytest.mark.parametrize("after", [4, 6], ids=["overlap", "gap"])
def test_a_conflated_frame_must_follow_though_its_bytes_prove_nothing(after: int) -> None:
    position = ViewerPosition(ONE, execution_id=ONE, cursor=at(5))

    assert position.fits(conflated(5, at(9)), LINE)
    assert not position.fits(conflated(after, at(9)), LINE)


def test_a_conflated_frame_must_be_of_the_same_epoch() -> None:
    position = ViewerPosition(ONE, execution_id=ONE, cursor=at(5))

    assert not position.fits(conflated(5, at(9, epoch="00000000")), LINE)


def test_a_whole_frame_must_continue_the_chain() -> None:
    tag = chain(initial_tag(EPOCH), LINE)
    position = ViewerPosition(ONE, execution_id=ONE, cursor=at(0, tag=initial_tag(EPOCH)))

    def header(tag: int) -> m.Ev:
        return m.Ev(x=ONE, after=0, upto=1, cur=str(at(1, tag=tag)), n=1)

    assert position.fits(header(tag), LINE)
    assert not position.fits(header(tag ^ 1), LINE)
    assert not position.fits(header(tag), LINE.replace(b"9", b"8"))
