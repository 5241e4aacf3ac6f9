"""Headway inside an application of your own: its pages and its API under a path, behind your authentication.

    headway = Headway(prefix="/headway", database="sqlite:////var/lib/app/headway.db")
    app = FastAPI(lifespan=headway.lifespan)
    app.mount(headway.prefix, headway)

User code never runs in a process that serves; `headway work FILE… --database URL` runs it beside this one.
Whoever gets through to the mounted application may do everything there: let in only whom you know, HTTP and
WebSockets alike. The header `Headway-By`, where you set it, says in the logs of executions who asked.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from headway import bootstrap
from headway.config import Settings
from headway.errors import InvalidSetting

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Headway:
    """An ASGI application to mount; it works between entering and leaving it, or its `lifespan`.

    Args:
        prefix: The path it is mounted at, like `/headway`.
        settings: Any of the settings of `docs/operations.md` by name; those that are not given are read from
            `HEADWAY_…`. Where the application is reached by other names than `localhost`: `allowed_hosts`.

    Raises:
        InvalidSetting: Naming the setting at fault.
    """

    def __init__(self, *, prefix: str, **settings: Any) -> None:
        self._settings = Settings.read(os.environ, prefix=prefix, **settings)
        self._app: ASGIApp | None = None
        self._open = AsyncExitStack()

    @property
    def prefix(self) -> str:
        """The path to mount it at."""
        return self._settings.prefix

    @asynccontextmanager
    async def lifespan(self, app: object) -> AsyncIterator[None]:
        """As the `lifespan` of the application that mounts it."""
        del app
        async with self:
            yield

    async def __aenter__(self) -> Self:
        """Open the database.

        Raises:
            JournalUnavailable, JournalCorrupt, JournalTooNew: Saying what is wrong with which file.
        """
        async with AsyncExitStack() as opening:
            journal, hints = opening.enter_context(bootstrap.open_store(self._settings))
            app, _ = bootstrap.build_app(self._settings, journal, hints)
            await opening.enter_async_context(bootstrap.build_housekeeper(self._settings, journal))
            await opening.enter_async_context(app.router.lifespan_context(app))
            self._open = opening.pop_all()
        self._app = app
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._app = None
        await self._open.aclose()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one connection; the path in `scope` is the whole one, as the application got it."""
        if self._app is None:
            raise InvalidSetting("Headway is mounted but not running: FastAPI(lifespan=headway.lifespan)")
        mounted_at = scope.get("root_path", "")
        if not mounted_at.endswith(self.prefix):
            raise InvalidSetting(f"Headway is mounted at {mounted_at!r}, but its prefix is {self.prefix!r}")
        await self._app({**scope, "root_path": ""}, receive, send)
