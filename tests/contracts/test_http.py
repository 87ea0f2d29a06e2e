"""The body of an ASGI request, and a whole response."""

from typing import Any

import pytest

from bff_contracts.http import read_body, respond

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([{"body": b"ab"}], id="at-once"),
        pytest.param([{"body": b"a", "more_body": True}, {"body": b"b", "more_body": False}], id="in-parts"),
        pytest.param([{"more_body": True}, {"body": b"ab", "more_body": True}, {}], id="with-empty-messages"),
    ],
)
async def test_a_body_is_read_to_its_end(messages: list[dict[str, Any]]) -> None:
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(left)

    assert await read_body(receive) == b"ab"
    assert not list(left)


async def test_a_response_is_a_head_and_a_body() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await respond(send, 404, [(b"a", b"1")], b"gone")

    assert sent == [
        {"type": "http.response.start", "status": 404, "headers": [(b"a", b"1")]},
        {"type": "http.response.body", "body": b"gone"},
    ]
