"""Every response of a provider is verified within a bounded size and time."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from itertools import repeat
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bff_contracts.platform import CMS
from bff_contracts.verification import NotVerified, running_provider
from bff_contracts.verification.bounds import MAX_BYTES, MAX_VALUES, IncomingResponse, NoResponseError
from tests.providers.small import NEEDS_STATE, SmallCms, states_with
from tests.support.golden import Golden
from tests.support.hypercorn_server import on_hypercorn

pytestmark = pytest.mark.slow("runs the official verifier many times")

JSON = [(b"content-type", b"application/json")]
TOO_LARGE = "the provider's response is larger than 1,000,000 bytes"


async def endless() -> AsyncIterator[bytes]:
    """More than anybody should take, and an end: the server of the tests sends on after a connection is closed."""
    for _ in range(300):
        yield b"x" * 65536


async def dripping() -> AsyncIterator[bytes]:
    for _ in range(2000):
        yield b" "
        await asyncio.sleep(0.01)


def answering(make: Callable[[], Response]) -> Starlette:
    async def answer(_: Request) -> Response:
        return make()

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def reported(**where: Any) -> str:
    if "states_url" not in where:
        where["states"] = states_with(lambda _: None)
    with (
        running_provider(provider=CMS, seconds=2, **where) as running,
        pytest.raises(NotVerified) as caught,
    ):
        running.verify(NEEDS_STATE)
    return str(caught.value)


def _stream(chunks: AsyncIterator[bytes], **options: Any) -> Response:
    return StreamingResponse(chunks, media_type="application/json", **options)


BAD = [
    pytest.param(lambda: _stream(endless()), TOO_LARGE, id="never-ends"),
    pytest.param(lambda: _stream(endless(), status_code=500), TOO_LARGE, id="an-error-that-never-ends"),
    pytest.param(lambda: _stream(dripping()), "the provider did not complete its response within 2 s", id="drips"),
    pytest.param(
        lambda: Response(b"[" + b"{}," * 100_000 + b"{}]", media_type="application/json"),
        "the provider's response has more than 20,000 values",
        id="many-values",
    ),
    pytest.param(
        lambda: Response(gzip.compress(b" " * 50_000_000), headers={"content-encoding": "gzip"}), TOO_LARGE, id="gzip"
    ),
    pytest.param(
        lambda: Response(b"no gzip", headers={"content-encoding": "gzip"}), "response cannot be unpacked", id="no-gzip"
    ),
    pytest.param(
        lambda: Response(gzip.compress(b"{}")[:-9], headers={"content-encoding": "gzip"}),
        "breaks off before the end of its compressed data",
        id="half-a-gzip",
    ),
    pytest.param(
        lambda: Response(gzip.compress(b"{}") * 2, headers={"content-encoding": "gzip"}),
        "has bytes after the end of its compressed data",
        id="two-gzips",
    ),
]


@pytest.mark.parametrize(("make", "expected"), BAD)
def test_an_application_that_exceeds_a_bound_is_a_failure_with_its_reason(make: Any, expected: str) -> None:
    assert expected in reported(app=answering(make))


@pytest.mark.parametrize(("make", "expected"), BAD)
def test_a_running_service_that_exceeds_a_bound_is_a_failure_with_its_reason(make: Any, expected: str) -> None:
    with on_hypercorn(answering(make)) as url:
        printed = reported(url=url)

    assert expected in printed.replace("gave no response within", "did not complete its response within")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda: _stream(endless(), status_code=500), TOO_LARGE, id="never-ends"),
        pytest.param(lambda: _stream(dripping()), "did not complete its response within 2 s", id="drips"),
    ],
)
def test_a_states_route_is_bounded_too(cms: SmallCms, make: Any, expected: str) -> None:
    with on_hypercorn(answering(make)) as url:
        assert expected in reported(app=cms, states_url=f"{url}/states")


def test_a_compressed_answer_is_unpacked(cms: SmallCms) -> None:
    def compressed() -> Response:
        body = gzip.compress(json.dumps(cms.entries).encode())
        return Response(body, media_type="application/json", headers={"content-encoding": "gzip"})

    with running_provider(answering(compressed), provider=CMS, states=cms.states) as running:
        running.verify(NEEDS_STATE)


def test_the_kit_accepts_no_compression(cms: SmallCms) -> None:
    seen: list[str | None] = []

    async def answer(request: Request) -> JSONResponse:
        seen.append(request.headers.get("accept-encoding"))
        return JSONResponse(cms.entries)

    app = Starlette(routes=[Route("/{path:path}", answer)])
    with running_provider(app, provider=CMS, states=cms.states) as running:
        running.verify(NEEDS_STATE)

    assert seen == [None]


def test_a_provider_that_ignores_the_error_is_stopped() -> None:
    async def stubborn(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": JSON})
        while True:
            try:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            except NoResponseError:
                continue

    text = reported(app=stubborn)

    # On a busy machine the watch over the event loop may come first; both are true of it.
    assert TOO_LARGE in text or "held the event loop" in text


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (bytes, "identity"), (bytes, "br")],
)
async def test_a_response_within_the_bounds_is_passed_on(packed: Callable[[bytes], bytes], encoding: str) -> None:
    response, sent = IncomingResponse(), list[Any]()
    headers = [(b"content-encoding", encoding.encode())]
    response.take({"type": "http.response.start", "status": 200, "headers": headers})
    whole = b"[" + b"1," * (MAX_VALUES - 1) + b'"' + b"x" * (MAX_BYTES - 2 * MAX_VALUES - 2) + b'"]'
    assert len(whole) == MAX_BYTES
    response.take({"type": "http.response.body", "body": packed(whole)})

    async def send(message: Any) -> None:
        sent.append(message)

    await response.deliver(send)

    assert sent[1] == {"type": "http.response.body", "body": whole}
    assert (sent[0]["headers"] == headers) is (encoding in {"identity", "br"})


def test_a_provider_that_sends_nothing_without_end_is_stopped(golden: Golden) -> None:
    async def empty(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": JSON})
        while True:
            await send({"type": "http.response.body", "body": b"", "more_body": True})

    golden.check(reported(app=empty).splitlines()[-1])


@pytest.mark.parametrize(
    "start",
    [
        pytest.param({"headers": repeat((b"x", b"y"))}, id="headers-without-end"),
        pytest.param({"headers": [(b"x", b"y" * 64_000)]}, id="a-large-header"),
        pytest.param({"headers": [(b"x\x1b[31m", b"y")]}, id="name"),
        pytest.param({"headers": [(b"x", b"y\r\nz: 1")]}, id="line-feed"),
        pytest.param({"headers": [(b"Content-Type", b"text/\x9b31m")]}, id="content-type"),
        pytest.param({"status": 101}, id="informational"),
        pytest.param({"status": 999}, id="no-status"),
        pytest.param({"status": "200"}, id="text"),
        pytest.param({"status": None}, id="none"),
    ],
)
def test_a_response_that_the_verifier_cannot_read_is_not_passed_on(start: dict[str, Any], golden: Golden) -> None:
    response = IncomingResponse()
    with pytest.raises(NoResponseError) as caught:
        response.take({"type": "http.response.start", "status": 200, **start})

    assert response.problem is caught.value
    golden.check(str(caught.value))


def test_an_unreadable_answer_is_a_failure(golden: Golden) -> None:
    def evil() -> Response:
        return Response(b"{}", headers={"content-type": "text/\x9b31m"})

    golden.check(reported(app=answering(evil)))


def test_a_status_without_a_body_has_none() -> None:
    def empty() -> Response:
        return Response(b"{}", status_code=204, headers={"content-length": "2"})

    assert "expected 200 but was 204" in reported(app=answering(empty))


@pytest.mark.parametrize(
    "body",
    [pytest.param(b"x" * (MAX_BYTES + 1), id="bytes"), pytest.param(b"1," * (MAX_VALUES + 1), id="values")],
)
def test_a_response_beyond_them_is_not(body: bytes) -> None:
    response = IncomingResponse()
    response.take({"type": "http.response.start", "status": 200})
    with pytest.raises(NoResponseError):
        response.take({"type": "http.response.body", "body": body})

    assert not response.ended
