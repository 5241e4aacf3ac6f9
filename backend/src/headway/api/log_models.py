"""Answers about the log as OpenAPI shows them; answers themselves are encoded by msgspec."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_CHUNK: dict[str, JsonValue] = {
    "chunk": 0,
    "first_line": 0,
    "complete": False,
    "seqs": [3, 4, 6],
    "timestamps": [
        "2026-11-22T21:30:00.123456Z",
        "2026-11-22T21:30:00.124001Z",
        "2026-11-22T21:30:00.310777Z",
    ],
    "levels": ["INFO", "INFO", "WARNING"],
    "step_ids": [None, "fetch#1", "fetch#1"],
    "messages": ["auditing 50 packages", "httpx 0.28.1: 1.2 MB", "rich: no licence file"],
    "cut": {},
    "gaps": [],
}
_HITS: dict[str, JsonValue] = {
    "hits": [
        {
            "line": 2,
            "seq": 6,
            "timestamp": "2026-11-22T21:30:00.310777Z",
            "level": "WARNING",
            "step_id": "fetch#1",
            "message": "rich: no licence file",
        }
    ],
    "total": 1,
    "chunks": {"0": 1},
    "complete": True,
    "next_line": 3,
}


class LogChunk(BaseModel):
    """Up to 4,096 log lines by columns, all of one length; `complete` ones never change."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHUNK]})
    chunk: int
    first_line: int = Field(description="4,096 times `chunk`; lines are counted from 0.")
    complete: bool
    seqs: list[int]
    timestamps: list[str]
    levels: list[str]
    step_ids: list[str | None]
    messages: list[str] = Field(description="At most 16,384 characters each.")
    cut: dict[str, int] = Field(description="Full lengths of messages that were cut, by place in this chunk.")
    gaps: list[int] = Field(description="Places of lines that say that events were dropped.")


class LogHit(BaseModel):
    line: int
    seq: int
    timestamp: str
    level: str
    step_id: str | None
    message: str = Field(description="At most 1,000 characters.")


class LogHits(BaseModel):
    """Lines that match, among those from `from` up to, without it, `next_line`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HITS]})
    hits: list[LogHit]
    total: int = Field(description="Of all that match there, also beyond `limit`.")
    chunks: dict[str, int] = Field(description="How many of them each chunk of 4,096 lines has, if any.")
    complete: bool = Field(description="False: the time was up; go on with `from` = `next_line`.")
    next_line: int
