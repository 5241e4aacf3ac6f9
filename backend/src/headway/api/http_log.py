"""`GET …/log/chunks/{n}` and `GET …/log/search`: the log by number, kept by caches, and searched here."""

import gzip
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response

from headway.api import log_models, models
from headway.api.answers import execution_id_of, json_answer
from headway.domain.events import LEVELS, Level
from headway.domain.position import Cursor
from headway.ports import Journal
from headway.services.event_streams import proven_start
from headway.services.log_chunks import read_log_chunk
from headway.services.log_lines import LogLines
from headway.services.log_search import LogQuery, LogSearch

MAX_HITS = 1_000
MAX_TEXT = 1_000
_GZIP_LEVEL = 5
_FOR_EVER = "max-age=31536000, immutable"


def log_routes(journal: Journal, api: str, *, is_public: bool) -> APIRouter:
    """The routes of the log under `api`, the address of all executions.

    Args:
        journal: Where the log is.
        api: Path of the collection.
        is_public: Anybody may read this server, so shared caches may keep chunks too.
    """
    router = APIRouter(responses={"4XX": {"model": models.Problem}, "5XX": {"model": models.Problem}})
    lines = LogLines(journal)
    search = LogSearch(lines)
    who = "public" if is_public else "private"

    @router.get(
        f"{api}/{{execution_id}}/log/chunks/{{number}}",
        tags=["events"],
        response_model=log_models.LogChunk,
        responses={304: {"description": "`If-None-Match` names what is there."}},
    )
    def show_log_chunk(
        request: Request,
        execution_id: str,
        number: Annotated[int, Path(ge=0, le=2**40)],
        cursor: Annotated[
            str | None, Query(max_length=64, description="Whose history is meant: it may be kept for ever.")
        ] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Log lines `4096 n` to `4096 n + 4095` by columns; a full chunk stays as it is in this history."""
        known = execution_id_of(execution_id)
        position = Cursor.parse(cursor) if cursor is not None else None
        found = read_log_chunk(lines, known, number)
        if position is not None:  # after the read: what was read, too, is of the history that this proves
            proven_start(journal, known, position)
        is_settled = position is not None and found.is_settled_by(position)
        etag = f'"{found.version}"'
        headers = {
            "ETag": f"W/{etag}",  # weak: the same for the plain and the packed form
            "Cache-Control": f"{who}, {_FOR_EVER}" if is_settled else f"{who}, no-cache",
            "Vary": "Accept-Encoding",
        }
        if if_none_match is not None and _names(if_none_match, etag):
            return Response(status_code=304, headers=headers)
        body = msgspec.json.encode(found.content)
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(body, media_type="application/json", headers=headers)

    @router.get(f"{api}/{{execution_id}}/log/search", tags=["events"], response_model=log_models.LogHits)
    def search_log(
        execution_id: str,
        q: Annotated[
            str, Query(max_length=MAX_TEXT, description="In any case, unless it has a capital.")
        ] = "",
        regex: Annotated[
            bool, Query(description="`q` is a regular expression, which minds the case.")
        ] = False,
        level: Annotated[Level | None, Query(description=f"The least grave of {', '.join(LEVELS)}.")] = None,
        step_id: Annotated[str | None, Query(max_length=MAX_TEXT)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_HITS, description="Hits; more are counted.")] = 100,
        first_line: Annotated[int, Query(alias="from", ge=0, le=2**53 - 1)] = 0,
        end_line: Annotated[
            int | None, Query(alias="to", ge=0, le=2**53 - 1, description="The first line not to look at.")
        ] = None,
    ) -> Response:
        """Lines of the whole log that match; `complete` is false where the time was up before the end."""
        query = LogQuery(
            text=q,
            is_regex=regex,
            level=level,
            step_id=step_id,
            first_line=first_line,
            end_line=end_line,
            limit=limit,
        )
        return json_answer(search.find(execution_id_of(execution_id), query))

    return router


def _names(if_none_match: str, etag: str) -> bool:
    """Compared weakly, as the header asks for: RFC 9110, 13.1.2."""
    named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in named or etag in named


def _takes_gzip(accept_encoding: str) -> bool:
    weights: dict[str, str] = {}
    for one in accept_encoding.split(","):
        coding, *parameters = (part.strip().lower() for part in one.split(";"))
        weights[coding] = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight.strip("0.") != ""
