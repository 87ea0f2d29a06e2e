"""Answers every failure in the platform's envelope: backend errors, invalid requests, unexpected exceptions."""

import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from bff_clients import (
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContractViolation,
    InvalidArgument,
)
from bff_clients.correlation import correlation_id

SERVICE: Final = "bff-teacher-service"
_LOG: Final = logging.getLogger("bff")


class ApiError(Exception):
    """An error response of a route.

    Attributes:
        status: The HTTP status.
        code: The platform's word for it.
        message: A sentence for people, without personal data.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def answer_errors(app: FastAPI) -> None:
    """Let the application answer every failure in the envelope."""
    app.exception_handler(BackendError)(_backend_error)
    app.exception_handler(InvalidArgument)(_invalid_argument)
    app.exception_handler(ApiError)(_api_error)
    app.exception_handler(RequestValidationError)(_invalid_request)
    app.exception_handler(HTTPException)(_no_such_route)
    app.middleware("http")(_unexpected_error)


def envelope_of(error: BackendError | InvalidArgument) -> tuple[int, str]:  # noqa: PLR0911  # one for each kind
    """HTTP status and envelope code of each error; the table in docs/clients.md says the same, and a test compares."""
    match error:
        case InvalidArgument():
            return 422, "VALIDATION_ERROR"
        case BackendTimeout():
            return 504, "TIMEOUT"
        case BackendUnavailable(reason="connect"):
            return 503, "CONNECTION_ERROR"
        case BackendUnavailable(reason="breaker_open"):
            return 503, "CIRCUIT_BREAKER_OPEN"
        case BackendUnavailable():
            return 503, "SERVICE_UNAVAILABLE"
        case ContractViolation():
            return 502, "INVALID_RESPONSE"
        case BackendRejected():
            return 502, "EXTERNAL_SERVICE_ERROR"
        case _:
            raise error


def _envelope(
    status: int,
    code: str,
    message: str,
    *,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    error = {
        "code": code,
        "message": message,
        "correlation_id": correlation_id.get() or str(uuid4()),
        "service": SERVICE,
        "timestamp": datetime.now(UTC).isoformat(),
        "details": details or {},
    }
    return JSONResponse({"error": error}, status, headers)


async def _backend_error(_: Request, error: BackendError) -> JSONResponse:
    status, code = envelope_of(error)
    details: dict[str, Any] = {"backend": error.service, "operation": error.operation}
    headers: dict[str, str] = {}
    if isinstance(error, BackendUnavailable):
        details["reason"] = error.reason
        if error.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(error.retry_after))
    # error.detail is for the log: a browser does not get the details of a backend's failure.
    return _envelope(status, code, f"{error.service} could not be read", details=details, headers=headers)


async def _invalid_argument(_: Request, error: InvalidArgument) -> JSONResponse:
    status, code = envelope_of(error)
    details = {"problems": [{"where": error.argument, "problem": error.problem}]}
    return _envelope(status, code, "The request is not as it should be", details=details)


async def _api_error(_: Request, error: ApiError) -> JSONResponse:
    return _envelope(error.status, error.code, error.message)


async def _invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    # Where and why, never the value: it may be personal, and would end up in the caller's logs.
    problems = [{"where": ".".join(map(str, one["loc"])), "problem": one["type"]} for one in error.errors()]
    return _envelope(422, "VALIDATION_ERROR", "The request is not as it should be", details={"problems": problems})


async def _no_such_route(_: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    code = "RESOURCE_NOT_FOUND" if status == HTTPStatus.NOT_FOUND else status.name
    return _envelope(status, code, error.detail, headers=error.headers)


async def _unexpected_error(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """A handler for `Exception` would run outside of all middleware, where the correlation id is gone."""
    try:
        return await call_next(request)
    except Exception:  # noqa: BLE001  # whatever it is, the caller gets an envelope
        _LOG.exception("unexpected error", extra={"correlation_id": correlation_id.get()})
        return _envelope(500, "UNKNOWN_ERROR", "Something went wrong in the BFF")
