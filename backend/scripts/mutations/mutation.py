"""One change of the source that a test must notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class Outdated(Exception):
    """The line to replace is no longer there, or no longer alone: the table must be mended first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A check that is taken away.

    Args:
        name: What no longer happens.
        file: Where, from the repository's root.
        old: Stands there exactly once.
        new: Takes its place.
        tests: Each must fail: pytest's names, or for TypeScript `FILE::name of the test`.
        is_quick: Its tests take a second or two: it is also tried as part of the tests.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    is_quick: bool = False

    @property
    def is_python(self) -> bool:
        return self.file.endswith(".py")

    def check(self, root: Path) -> str:
        """The source in which the line stands.

        Raises:
            Outdated: It stands there more or less than once.
        """
        text = (root / self.file).read_text()
        if (count := text.count(self.old)) != 1:
            raise Outdated(f"{self.name}: {self.file} has {count} times, not once: {self.old!r}")
        return text

    @contextmanager
    def applied(self, root: Path) -> Iterator[None]:
        """Change the copy at `root` for the time of the block."""
        text = self.check(root)
        path = root / self.file
        path.write_text(text.replace(self.old, self.new))
        try:
            yield
        finally:
            path.write_text(text)
