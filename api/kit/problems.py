"""Errors that a caller of the API sees: RFC 9457 problem documents with a stable `error_id`."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Base of all: a status, a stable id, a message for people, and fields for machines."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    error_id = "internal"

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers
        self.fields = fields


class NotFound(Problem):
    """There is no such thing, or the caller may not know that there is."""

    status = HTTPStatus.NOT_FOUND
    error_id = "not_found"


class Unauthenticated(Problem):
    """Nobody is known to be asking."""

    status = HTTPStatus.UNAUTHORIZED
    error_id = "unauthenticated"


class Forbidden(Problem):
    """Who asks is known and may not."""

    status = HTTPStatus.FORBIDDEN
    error_id = "forbidden"


class BadRequest(Problem):
    """The request can be read but asks for nonsense."""

    status = HTTPStatus.BAD_REQUEST
    error_id = "bad_request"


class RangeNotSatisfiable(Problem):
    """The bytes asked for lie outside the file."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    error_id = "range_not_satisfiable"


def document(
    status: int, error_id: str, detail: str, *, headers: dict[str, str] | None = None, **fields: Any
) -> JSONResponse:
    """Return a problem document (RFC 9457, section 3)."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "error_id": error_id,
        **fields,
    }
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""

    @app.exception_handler(Problem)
    async def _problem(_request: Request, error: Problem) -> Response:
        return document(error.status, error.error_id, error.detail, headers=error.headers, **error.fields)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        name = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        headers = dict(error.headers) if error.headers else None
        return document(error.status_code, name, str(error.detail), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def _malformed(_request: Request, error: RequestValidationError) -> Response:
        wrong = [{"where": ".".join(map(str, item["loc"])), "what": item["msg"]} for item in error.errors()]
        detail = "; ".join(f"{item['where']}: {item['what']}" for item in wrong)
        return document(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", detail, errors=wrong)

    @app.exception_handler(OperationalError)
    async def _database_away(_request: Request, _error: OperationalError) -> Response:
        return document(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database_unavailable",
            "The database does not answer. Try again in a few seconds.",
            headers={"Retry-After": "5"},
        )
