"""A FastAPI application with a login of its own, and Headway inside it under `/headway`.

    headway work examples/quickstart.py --database sqlite:////tmp/embed.db &
    HEADWAY_DATABASE=sqlite:////tmp/embed.db uvicorn --app-dir examples/embed/fastapi app:app

Users and passwords stand here in the open because this is an example; the way in is what it shows: one piece
of middleware in front of everything, for HTTP and WebSockets alike, that tells Headway who asks.
"""

import hashlib
import hmac
import os
import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.asgi import Headway

PASSWORDS = {"ada": "lovelace", "grace": "hopper"}
COOKIE = "example_session"
KEY = os.environ.get("EXAMPLE_KEY", secrets.token_hex()).encode()
OPEN_PATHS = {"/login"}
LOGIN = """<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>
<form method="post" action="/login"><label>Name <input name="name" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button></form></html>"""

headway = Headway(prefix="/headway")
app = FastAPI(title="An application", lifespan=headway.lifespan, openapi_url=None)
app.mount(headway.prefix, headway)


@app.get("/")
def home() -> Response:
    """The application's own page, with a way to the executions."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><title>An application</title><h1>An application</h1>'
        '<p><a href="/headway/">What runs here</a></p></html>'
    )


@app.get("/login")
def login_page() -> Response:
    return HTMLResponse(LOGIN)


@app.post("/login")
async def login(request: Request) -> Response:
    """Trade a name and its password for a signed cookie."""
    given = dict(parse_qsl((await request.body()).decode()))
    name, password = given.get("name", ""), given.get("password", "")
    if not hmac.compare_digest(PASSWORDS.get(name, "").encode(), password.encode()) or not password:
        return HTMLResponse(LOGIN, status_code=401)
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(COOKIE, f"{name}.{signature(name)}", httponly=True, samesite="strict")
    return answer


class SignedIn:
    """Lets in whoever has signed in, and tells Headway who that is."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in OPEN_PATHS:
            await self._application(scope, receive, send)
            return
        user = user_of(Headers(scope=scope))
        if user is None:
            await refuse(scope, receive, send)
            return
        MutableHeaders(scope=scope)["Headway-By"] = quote(user)  # whatever the browser said itself
        await self._application(scope, receive, send)


app.add_middleware(SignedIn)


def user_of(headers: Headers) -> str | None:
    """Who has this cookie, if its signature is ours."""
    cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    name, _, signed = (cookie.value if cookie else "").rpartition(".")
    return name if hmac.compare_digest(signed.encode(), signature(name).encode()) else None


def signature(name: str) -> str:
    return hmac.new(KEY, name.encode(), hashlib.sha256).hexdigest()


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """A page goes to the login; a WebSocket is refused before it is accepted."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    elif scope["path"].startswith(f"{headway.prefix}/api"):
        await Response(status_code=401)(scope, receive, send)
    else:
        await RedirectResponse("/login", status_code=303)(scope, receive, send)
