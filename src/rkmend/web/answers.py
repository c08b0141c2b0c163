"""Answers: JSON out of records, and refusals."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.responses import Response

from rkmend.web.errors import Refused

T = TypeVar("T")


def json(value: object, status: int = 200) -> Response:
    """A record as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refusal(refused: Refused) -> Response:
    """What a request that is not carried out gets: `{"problem": ...}`."""
    answer = json({"problem": refused.problem}, refused.status)
    if refused.status in (408, 413):  # the rest of the body is not read
        answer.headers["connection"] = "close"
    return answer


def read_json(body: bytes, kind: type[T]) -> T:
    """The record in a body.

    Raises:
        Refused: It is none.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(422, f"the request is not what it should be: {error}") from error
