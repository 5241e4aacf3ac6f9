"""The routes that look over all executions: how workflows went lately, and what people are asked."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from headway.api import overview_models as models
from headway.api.answers import json_answer
from headway.services.approvals import Approvals
from headway.services.executions import Executions

MAX_APPROVALS = 200


def overview_routes(router: APIRouter, executions: Executions, api: str) -> None:
    """`statistics` and `approvals`."""
    approvals = Approvals(executions.journal)

    @router.get(f"{api}/statistics", tags=["workflows"], response_model=models.Statistics)
    def show_statistics() -> Response:
        """How each workflow's executions went lately; a workflow that never ran is left out."""
        return json_answer(executions.statistics())

    @router.get(f"{api}/approvals", tags=["executions"], response_model=models.Approvals)
    def list_approvals(
        status: Annotated[Literal["open"], Query(description="Answered ones stand with their execution.")],
        limit: Annotated[int, Query(ge=1, le=MAX_APPROVALS)] = 50,
    ) -> Response:
        """Open questions to people, over all executions: the earliest deadline first."""
        return json_answer(approvals.open(limit))
