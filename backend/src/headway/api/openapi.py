"""The OpenAPI document of the application, with what FastAPI cannot say of our answers."""

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI

from headway.api.problems import MEDIA_TYPE
from headway.api.request_ids import HEADER, SANE

_METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def document_of(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What `app.openapi` is to be: made when it is first asked for."""
    written = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        document = written()
        for path in document["paths"].values():
            for method in _METHODS & set(path):
                _name_problems(path[method]["responses"])
                _name_request_id(path[method]["responses"])
        return document

    return openapi


def _name_problems(responses: dict[str, Any]) -> None:
    """A response model is taken for plain JSON; every error is a problem document."""
    for status, response in responses.items():
        if status[0] in "45" and "application/json" in response.get("content", {}):
            response["content"][MEDIA_TYPE] = response["content"].pop("application/json")


def _name_request_id(responses: dict[str, Any]) -> None:
    schema = {"type": "string", "pattern": f"^{SANE.pattern}$"}
    told = "The request's own, where it has such a one; else made here. Problems repeat it as `request_id`."
    for response in responses.values():
        named = {"required": True, "schema": schema, "description": told}
        response.setdefault("headers", {})[HEADER] = named
