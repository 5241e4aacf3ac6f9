"""What an attempt over HTTP does where another attempt of the same viewer is quicker."""

from collections.abc import Callable

import pytest
from tests.support.authored import AuthoredExecution
from typing_extensions import override

from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.client.attempt import Again, Done, Ending, Feed
from headway.client.http_feed import FeedClient, HttpFollower
from headway.client.ladder import Transport
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.position import Cursor
from headway.protocol.viewer_position import WHOLE, ViewerPosition
from headway.services.states import load_state
from headway.services.views import DescriptionView, view_of


class Served(FeedClient):
    """A server's executions, and what happens while they are described."""

    def __init__(self, journal: MemoryJournal) -> None:
        super().__init__("http://127.0.0.1:1")
        self.meanwhile: Callable[[], None] = lambda: None
        self._journal = journal

    def cursor(self, execution_id: ExecutionId, seq: int) -> Cursor:
        return Cursor(
            self._journal.get(execution_id).head.epoch, seq, self._journal.tag_at(execution_id, seq)
        )

    @override
    async def execution(self, execution_id: str) -> DescriptionView:
        record = self._journal.get(ExecutionId(execution_id))
        self.meanwhile()
        return DescriptionView(
            execution=view_of(record),
            state=load_state(self._journal, record.execution_id),
            cursor=str(self.cursor(record.execution_id, record.head.last_seq)),
        )

    @override
    async def followed(self, workflow_id: str, *, after: str | None = None) -> str | None:
        self.meanwhile()
        return self._journal.follow(WorkflowId(workflow_id), ExecutionId(after) if after else None)


class Beginning(HttpFollower):
    """Tells what it would follow, and says of the first logs that they have ended."""

    transport: Transport = "poll"

    def __init__(self, feed: Feed, client: FeedClient, *, ended: int) -> None:
        super().__init__(feed, client, tail=0)
        self._ended = ended
        self.followed: list[tuple[str, int]] = []

    @override
    async def follow(self, execution_id: str, cursor: Cursor) -> Ending:
        self.followed.append((execution_id, cursor.seq))
        return Done() if len(self.followed) <= self._ended else Again("seen enough")


def two_executions() -> tuple[AuthoredExecution, AuthoredExecution, Served]:
    journal, hints = MemoryJournal(), MemoryHintBus()
    first, second = AuthoredExecution(journal, hints), AuthoredExecution(journal, hints)
    for execution in (first, second):
        execution.start()
        execution.log(3)
    return first, second, Served(journal)


@pytest.mark.parametrize("of_workflow", [True, False], ids=["workflow", "execution"])
async def test_a_state_that_another_attempt_was_ahead_of_repeats_nothing(of_workflow: bool) -> None:
    _, second, served = two_executions()
    position = ViewerPosition("audit" if of_workflow else second.id, whole=WHOLE)
    served.meanwhile = lambda: position.believe(second.id, served.cursor(second.id, 2))
    attempt = Beginning(Feed(position), served, ended=0)

    async with served:
        await attempt.run()

    assert attempt.followed == [(second.id, 2)]


async def test_the_next_execution_that_another_attempt_follows_already_is_not_begun_again() -> None:
    first, second, served = two_executions()
    position = ViewerPosition("audit")
    position.believe(first.id, served.cursor(first.id, first.last_seq))
    served.meanwhile = lambda: position.believe(second.id, served.cursor(second.id, 4))
    attempt = Beginning(Feed(position), served, ended=1)

    async with served:
        await attempt.run()

    assert attempt.followed == [(first.id, first.last_seq), (second.id, 4)]
