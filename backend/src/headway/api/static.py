"""The built front end: hashed assets for ever, one page for every other path."""

import mimetypes
import re
from html import escape
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from headway.errors import NotFound

IMMUTABLE = "public, max-age=31536000, immutable"
NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Headway</title></head>
<body>
<h1>Headway is running</h1>
<p>The page was not built into this installation. In a source checkout run
<code>make setup</code>, then load this page again.</p>
<p>The API works without it: <a href="api/workflows">workflows</a>,
<a href="api/executions">executions</a>.</p>
</body></html>
"""
_BASE = re.compile(r'<base\s+href="[^"]*"\s*/?>')
_NONCE = re.compile(r'<meta\s+name="csp-nonce"\s+content="[^"]*"\s*/?>')


def static_routes(static_dir: Path | None, prefix: str) -> APIRouter:
    """Serve the front end below `prefix`.

    Args:
        static_dir: Folder with `index.html`, or `None`; read at each request, so a new build is seen.
        prefix: Path the server answers under: empty or like `/headway`.
    """
    router = APIRouter(include_in_schema=False)

    @router.get(f"{prefix}/assets/{{path:path}}")
    def asset(path: str) -> Response:
        file = _file_in(static_dir / "assets" if static_dir else None, path)
        if file is None:
            raise NotFound(f"no asset {path!r}; the page may be of another version: reload it")
        return FileResponse(file, media_type=_media_type(file), headers={"Cache-Control": IMMUTABLE})

    @router.get(f"{prefix}/api/{{path:path}}")
    @router.get(f"{prefix}/ws/{{path:path}}")
    def nothing(path: str) -> Response:
        raise NotFound(f"the API has no {path!r}")

    if prefix:

        @router.get(prefix)
        def slash() -> Response:
            return RedirectResponse(f"{prefix}/")

    @router.get(f"{prefix}/{{path:path}}")
    def page(request: Request, path: str) -> Response:
        file = _file_in(static_dir, path)
        if file is not None and file.name != "index.html":
            return FileResponse(file, media_type=_media_type(file), headers={"Cache-Control": "no-cache"})
        return _index(static_dir, prefix, request.state.csp_nonce)

    return router


def _index(static_dir: Path | None, prefix: str, nonce: str) -> Response:
    headers = {"Cache-Control": "no-cache"}
    index = static_dir / "index.html" if static_dir else None
    if index is None or not index.is_file():
        return HTMLResponse(NOT_BUILT.replace('href="', f'href="{escape(prefix)}/'), headers=headers)
    html = index.read_text(encoding="utf-8")
    html = _BASE.sub(lambda _: f'<base href="{escape(prefix)}/">', html, count=1)
    html = _NONCE.sub(lambda _: f'<meta name="csp-nonce" content="{escape(nonce)}">', html, count=1)
    return HTMLResponse(html, headers=headers)


def _file_in(folder: Path | None, path: str) -> Path | None:
    """The file, if it is one inside the folder: `..` and links cannot lead out."""
    if folder is None or not path or "\0" in path:
        return None
    file = (folder / path).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None


def _media_type(file: Path) -> str:
    # Not left to the machine's registry: some call JavaScript text/plain, which `nosniff` refuses.
    if file.suffix in (".js", ".mjs"):
        return "text/javascript"
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"
