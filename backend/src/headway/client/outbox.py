"""What a program that writes into a log keeps on disk: its next line, and which events it has answered."""

import os
from pathlib import Path

import msgspec

from headway.errors import InvalidSetting, ProducerGap

MAX_ANSWERS = 1_000


class Line(msgspec.Struct, omit_defaults=True):
    """A line as it is sent."""

    message: str
    level: str = "INFO"
    step_id: str | None = None


class Answered(msgspec.Struct, array_like=True, frozen=True):
    """The line of that number answers the event at `seq`."""

    number: int = 0
    seq: int = 0


class Outbox(msgspec.Struct):
    """What is on disk before it is sent.

    Args:
        next: The number of the next line, or of the first one that waits.
        pending: Lines that are not known to be stored.
        answers: The last lines that answer events, the one that waits included, oldest first.
        forgotten: The newest of the answers before those.
        stored: Cursor behind the last line that was stored.
        event: Cursor behind the event that was answered last, where it was given.
    """

    execution_id: str
    producer_id: str
    next: int = 1
    pending: list[Line] = msgspec.field(default_factory=list)
    answers: list[Answered] = msgspec.field(default_factory=list)
    forgotten: Answered = Answered()
    stored: str | None = None
    event: str | None = None

    @property
    def answered(self) -> int:
        """Seq of the event that was answered last; 0 where none was."""
        return self.answers[-1].seq if self.answers else self.forgotten.seq

    def add(self, line: Line, *, answers: int | None, event: str | None) -> None:
        """A line waits to be sent."""
        self.pending = [line]
        if answers is None:
            return
        self.answers.append(Answered(self.next, answers))
        self.event = event
        if len(self.answers) > MAX_ANSWERS:
            self.forgotten = self.answers.pop(0)

    def sent(self, following: int, cursor: str) -> None:
        """What has waited is stored."""
        self.next, self.pending, self.stored = following, [], cursor

    def align(self, expected: int, *, is_event_lost: bool) -> None:
        """Go on at number `expected` in a log that was put back to an older copy.

        Lines from there on are gone with it. An answer among them is not sent again: where its event is still
        in the log, that counts as not answered, and the program comes to it anew.

        Raises:
            ProducerGap: The log has lines of this name that are not of this outbox, or was put back to a time
                of which the outbox knows no more what it had answered.
        """
        end = self.next + len(self.pending)
        if not self.forgotten.number < expected <= end:
            raise ProducerGap(
                f"the log has {expected - 1:,} lines of {self.producer_id}, and this outbox cannot tell "
                "which events they answer; say it with Producer.realign(answered=SEQ)",
                expected=expected,
            )
        kept = [one for one in self.answers if one.number < expected]
        is_answer = bool(self.pending and self.answers and self.answers[-1].number == self.next)
        if is_event_lost and len(kept) == len(self.answers):
            kept = kept[:-1]
        if expected == end or is_answer:
            self.pending = []
        self.next, self.answers, self.stored, self.event = expected, kept, None, None

    def begin_at(self, expected: int, answered: int) -> None:
        """Go on at number `expected`, whatever was before; events up to seq `answered` are answered."""
        self.next, self.pending, self.answers = expected, [], []
        self.forgotten, self.stored, self.event = Answered(expected - 1, answered), None, None


def load_outbox(path: Path, execution_id: str, producer_id: str) -> Outbox:
    """Read it, or begin one.

    Raises:
        InvalidSetting: It is of another execution or producer, or is none.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Outbox(execution_id, producer_id)
    try:
        outbox = msgspec.json.decode(content, type=Outbox)
    except msgspec.MsgspecError as error:
        raise InvalidSetting(f"{path} is no outbox: {error}", field="outbox") from error
    if (outbox.execution_id, outbox.producer_id) != (execution_id, producer_id):
        raise InvalidSetting(
            f"{path} is the outbox of {outbox.producer_id} in {outbox.execution_id}", field="outbox"
        )
    return outbox


def save_outbox(path: Path, outbox: Outbox) -> None:
    """On disk before it returns, whole or as it was before."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(outbox))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    directory = os.open(
        path.parent, os.O_RDONLY
    )  # where its name is: else a power cut brings the old one back
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
