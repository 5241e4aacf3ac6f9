"""`POST …/producers/{producer_id}/log`: lines of programs that work on an execution from outside."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from headway.api import models
from headway.api.answers import execution_id_of, json_answer
from headway.domain.events import Level
from headway.services.producers import MAX_LINES, Line, Producers


class LogLineBody(BaseModel):
    """One line to log."""

    model_config = ConfigDict(extra="forbid")
    message: str = Field(description="A longer one than 64 KiB is cut, and the event says so.")
    level: Level = "INFO"
    step_id: str | None = Field(default=None, max_length=200, description="The step it belongs to.")


class LinesBody(BaseModel):
    """Lines in the order in which they are to stand in the log."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"first": 7, "lines": [{"message": "draft 2 is ready", "step_id": "draft#2"}]}]
        },
    )
    first: int = Field(ge=1, le=2**53 - 1, description="The number of the first line; 1 at first.")
    lines: list[LogLineBody] = Field(min_length=1, max_length=MAX_LINES)


class TakenAnswer(BaseModel):
    """Where the lines are in the log."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "first_seq": 812,
                    "last_seq": 812,
                    "cursor": "3f9c01ab.812.9be2d1f0",
                    "next": 8,
                    "duplicate": False,
                }
            ]
        }
    )
    first_seq: int
    last_seq: int
    cursor: str
    next: int = Field(description="The number of the producer's next line.")
    duplicate: bool = Field(description="They were stored already, by the same request sent before.")


def producer_routes(producers: Producers, api: str) -> APIRouter:
    """The route under `api`, the address of all executions."""
    router = APIRouter(responses={"4XX": {"model": models.Problem}, "5XX": {"model": models.Problem}})

    @router.post(
        f"{api}/{{execution_id}}/producers/{{producer_id}}/log", tags=["events"], response_model=TakenAnswer
    )
    def add_lines(
        execution_id: str,
        producer_id: Annotated[str, Path(description="Who writes; the log shows it as `logger`.")],
        body: LinesBody,
    ) -> Response:
        """Add lines to an execution's log, once however often the request is sent."""
        taken = producers.append(
            execution_id_of(execution_id),
            producer_id,
            body.first,
            [Line(line.message, line.level, line.step_id) for line in body.lines],
        )
        return json_answer(taken)

    return router
