"""How the consumer tests say that a backend refuses a request that does not say who sends it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest

from bff_clients import AuthenticationRejected
from tests.consumer.recording import KEY, Expectation

KEY_HEADER: Final = "X-Internal-API-Key"
SERVICE_HEADER: Final = "X-Service-ID"
MISSING: Final = {"error": "Missing authentication"}
INVALID: Final = {"error": "Invalid credentials"}

REFUSALS: Final = [
    pytest.param("without a key", KEY_HEADER, None, MISSING, id="no-key"),
    pytest.param("with a wrong key", KEY_HEADER, "not-the-key", INVALID, id="wrong-key"),
]
"""Why both backends refuse: the reason, the header, what it holds instead, and the answer."""

Call = Callable[[httpx.AsyncClient, str], Awaitable[object]]


async def error_of(
    call: Call, expected: Expectation, header: str, value: str | None, body: dict[str, str]
) -> AuthenticationRejected:
    """What a client makes of the refusal of a request in which a header is missing or another one."""
    if header == KEY_HEADER:
        expected.authenticated(key=value)
    else:
        expected.authenticated(key=KEY, service_id=value)
    with expected.answers(401, body).served() as url:
        async with _client_that_sends(header, value) as http:
            with pytest.raises(AuthenticationRejected) as caught:
                await call(http, url)
    return caught.value


@asynccontextmanager
async def _client_that_sends(header: str, value: str | None) -> AsyncGenerator[httpx.AsyncClient, None]:
    """An HTTP client that leaves a header out, or sends another value, whatever the backend client wants."""

    async def change(request: httpx.Request) -> None:
        del request.headers[header]
        if value is not None:
            request.headers[header] = value

    hooks: dict[str, list[Any]] = {"request": [change]}
    async with httpx.AsyncClient(event_hooks=hooks) as http:
        yield http
