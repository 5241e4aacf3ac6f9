"""The ASGI application: routes, guards and errors put together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import WebSocketRoute

from headway.api import problems
from headway.api.admission import Admission
from headway.api.auth import Guard, Tokens
from headway.api.http import api_routes
from headway.api.http_beats import beat_routes
from headway.api.http_events import event_routes
from headway.api.http_log import log_routes
from headway.api.http_producers import producer_routes
from headway.api.limits import BoundedBody, SecurityHeaders
from headway.api.openapi import document_of
from headway.api.request_ids import HEADER as REQUEST_ID
from headway.api.request_ids import RequestIds
from headway.api.static import static_routes
from headway.api.websockets import WorkflowSocket
from headway.api.websockets_rich import RichSocket
from headway.ports import Capabilities, OutputStore
from headway.services.event_streams import EventStreams
from headway.services.executions import Executions
from headway.services.fanout import Fanout
from headway.services.feed import Feed
from headway.services.producers import Producers


def create_app(
    executions: Executions,
    fanout: Fanout,
    outputs: OutputStore,
    *,
    feed: Feed,
    streams: EventStreams,
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
    frame_origins: Sequence[str] = (),
    static_dir: Path | None = None,
    prefix: str = "",
    version: str = "0",
    workers: int = 1,
    capabilities: Capabilities | None = None,
) -> FastAPI:
    """Build the application; it runs the fan-out for as long as it is served.

    Args:
        executions: The use cases.
        fanout: Serves the WebSockets of simple mode.
        outputs: Files of executions.
        feed: Serves those of rich mode; on the tails of `fanout`.
        streams: Serves events over HTTP; on the same tails.
        token: What clients must present; `None` for a server that asks for nothing.
        allowed_hosts: Names the server may be called by beside the loopback ones; `*` for any.
        allowed_origins: Origins whose pages may use the server beside its own.
        frame_origins: Origins whose pages may show this server's pages in a frame, beside its own.
        static_dir: The built front end, if there is one.
        prefix: Path everything is under: empty or like `/headway`.
        version: Of this server, as clients see it.
        workers: How many worker processes run beside it.
        capabilities: What the engine can do.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with fanout, feed:
            yield

    engine = capabilities or Capabilities()
    app = FastAPI(
        title="Headway",
        summary="Workflow executions, live.",
        version=version,
        lifespan=lifespan,
        openapi_url=f"{prefix}/api/openapi.json",
        docs_url=None,  # their pages load scripts from elsewhere, which our policy forbids
        redoc_url=None,
        redirect_slashes=False,
    )
    app.openapi = document_of(app)  # type: ignore[method-assign]
    tokens = Tokens(token)
    problems.install(app)
    app.include_router(
        api_routes(
            executions,
            outputs,
            tokens,
            prefix=prefix,
            version=version,
            workers=workers,
            capabilities={"cancel": engine.cancel, "retry": engine.retry, "signals": engine.signals},
        )
    )
    app.include_router(event_routes(streams, f"{prefix}/api/executions"))
    producers = Producers(executions.journal, executions.hints, executions.clock, executions.masks)
    app.include_router(beat_routes(prefix))
    app.include_router(producer_routes(producers, f"{prefix}/api/executions"))
    app.include_router(
        log_routes(executions.journal, f"{prefix}/api/executions", is_public=not tokens.required)
    )
    rich = RichSocket(feed, tokens)
    app.router.routes += [
        WebSocketRoute(f"{prefix}/ws", rich, name="socket"),
        WebSocketRoute(
            f"{prefix}/ws/workflow/{{target}}", WorkflowSocket(fanout, rich), name="workflow_socket"
        ),
    ]
    app.include_router(static_routes(static_dir, prefix))
    app.add_middleware(problems.Faults)
    app.add_middleware(BoundedBody)
    app.add_middleware(Admission, feed=feed, ready_path=f"{prefix}/readyz")
    app.add_middleware(
        Guard,
        tokens=tokens,
        protected=(f"{prefix}/api", f"{prefix}/ws"),
        open_paths=(f"{prefix}/api/server", f"{prefix}/api/session"),
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
    )
    if allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Headway-By", "Idempotency-Key", "Last-Event-ID", REQUEST_ID],
            expose_headers=["ETag", "Location", "Retry-After", REQUEST_ID],
        )
    app.add_middleware(SecurityHeaders, frame_origins=frame_origins)
    app.add_middleware(RequestIds)
    return app
