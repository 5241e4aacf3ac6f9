"""What one rich connection asks the journal: a few things at a time, each of which fails alone."""

import logging
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from headway.errors import HeadwayError
from headway.services.tails import Tasks

AT_ONCE = 4  # reads of one connection at the same time

_log = logging.getLogger(__name__)
Work = Callable[[], Coroutine[Any, Any, None]]


class Inquiries:
    """Put in the order in which they were asked, none while the connection takes nothing.

    Args:
        tasks: In which they run.
        may_put: Whether the connection could take an answer now.
        is_wanted: Whether the subscription of this number still wants its answer.
        refuse: Told the number of a subscription whose question failed, and why.
    """

    def __init__(
        self,
        tasks: Tasks,
        *,
        may_put: Callable[[], bool],
        is_wanted: Callable[[int], bool],
        refuse: Callable[[int, HeadwayError], None],
    ) -> None:
        self._tasks = tasks
        self._may_put = may_put
        self._is_wanted = is_wanted
        self._refuse = refuse
        self._waiting: deque[Work] = deque()
        self._asking = 0

    def ask(self, number: int, work: Work) -> None:
        """Do this work for the subscription `number`, now or once it is its turn."""
        self._waiting.append(partial(self._answer, number, work))
        self.put()

    def put(self) -> None:
        """Go on: there may be room for another."""
        while self._waiting and self._asking < AT_ONCE and self._may_put():
            self._asking += 1
            self._tasks.spawn(self._waiting.popleft()())

    def clear(self) -> None:
        """Nobody wants what has not been asked yet."""
        self._waiting.clear()

    async def _answer(self, number: int, work: Work) -> None:
        try:
            if self._is_wanted(number):
                await work()
        except HeadwayError as error:
            self._refuse(number, error)
        except Exception:  # noqa: BLE001 - the edge of one subscription
            _log.exception("a subscription failed")
            self._refuse(number, HeadwayError("the server failed; its log says why"))
        finally:
            self._asking -= 1
            self.put()
