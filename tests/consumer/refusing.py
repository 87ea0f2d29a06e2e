"""Helpers of the consumer tests for requests that a backend refuses because of their credentials."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from bff_clients import AuthenticationRejected
from tests.consumer.recording import PLACEHOLDER_KEY, Expectation

KEY_HEADER: Final = "X-Internal-API-Key"
SERVICE_HEADER: Final = "X-Service-ID"
MISSING: Final = {"error": "Missing authentication"}
INVALID: Final = {"error": "Invalid credentials"}


@dataclass(frozen=True)
class Refusal:
    """Why a backend refuses a request.

    Attributes:
        reason: In words.
        sent: The headers that the request has instead of those that say who sends it; `None` leaves one out.
        answer: The body of the answer.
    """

    reason: str
    sent: Mapping[str, str | None]
    answer: Mapping[str, str]


# What other services call such a header. A request may have more headers than the contract says, so that these say
# only this: they do not stand for the key.
OTHER_NAMES: Final = {
    "Api-Key": PLACEHOLDER_KEY,
    "Authorization": f"Bearer {PLACEHOLDER_KEY}",
    "Cookie": f"api_key={PLACEHOLDER_KEY}",
    "X-API-Key": PLACEHOLDER_KEY,
    "X-Api-Token": PLACEHOLDER_KEY,
    "X-Internal-Key": PLACEHOLDER_KEY,
    "X-Service-Key": PLACEHOLDER_KEY,
}

REFUSALS: Final = [
    pytest.param(Refusal("without a key", {KEY_HEADER: None}, MISSING), id="no-key"),
    pytest.param(
        Refusal("without a key, but with other headers for it", {KEY_HEADER: None, **OTHER_NAMES}, MISSING),
        id="other-headers",
    ),
    pytest.param(Refusal("without a service id", {SERVICE_HEADER: None}, MISSING), id="no-service"),
    pytest.param(Refusal("with a wrong key", {KEY_HEADER: "not-the-key"}, INVALID), id="wrong-key"),
]
"""Why both backends refuse."""

Call = Callable[[httpx.AsyncClient, str], Awaitable[object]]


async def error_of(call: Call, expected: Expectation, refused: Refusal) -> AuthenticationRejected:
    """The client's error for a refused request with missing or wrong headers."""
    expected.authenticated(**refused.sent)
    with expected.answers(401, dict(refused.answer)).served() as url:
        async with _client_that_sends(refused.sent) as http:
            with pytest.raises(AuthenticationRejected) as caught:
                await call(http, url)
    return caught.value


@asynccontextmanager
async def _client_that_sends(headers: Mapping[str, str | None]) -> AsyncGenerator[httpx.AsyncClient, None]:
    """An HTTP client that removes headers, or replaces their values, behind the backend client."""

    async def change(request: httpx.Request) -> None:
        for name, value in headers.items():
            request.headers.pop(name, None)
            if value is not None:
                request.headers[name] = value

    hooks: dict[str, list[Any]] = {"request": [change]}
    async with httpx.AsyncClient(event_hooks=hooks) as http:
        yield http
