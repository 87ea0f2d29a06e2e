"""One correlation id from the BFF's request to the backends, through a context variable."""

import asyncio
from typing import Any
from uuid import RFC_4122, UUID

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from hypothesis import given
from hypothesis import strategies as st

from bff_clients import BackendError, BackendSettings, CMSClient, CorrelationIdMiddleware, InvalidArgument, RASClient
from bff_clients.correlation import correlation_id, correlation_id_for
from tests.support.platform import BATCH, KEY

pytestmark = pytest.mark.anyio

GIVEN = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99"


def test_a_new_correlation_id_is_a_random_uuid() -> None:
    one, other = (correlation_id_for(None) for _ in range(2))

    assert (UUID(one).version, UUID(one).variant, str(UUID(one))) == (4, RFC_4122, one)
    assert one != other


async def sent_by(*headers: tuple[bytes, bytes]) -> str:
    """The correlation id that CMS receives, when the BFF receives these headers."""

    def cms(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={BATCH: {"class_id": GIVEN, "class_name": request.headers["X-Correlation-ID"]}})

    bff = FastAPI()
    bff.add_middleware(CorrelationIdMiddleware)

    @bff.get("/")
    async def route() -> str:  # pyright: ignore[reportUnusedFunction]
        async with httpx.AsyncClient(transport=httpx.MockTransport(cms)) as http:
            found = (await CMSClient(http, BackendSettings(internal_api_key=KEY)).get_batch_class_info([BATCH]))[BATCH]
        return found.class_name if found else ""

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=bff), base_url="http://bff") as http:
        answer: str = (await http.get("/", headers=list(headers))).json()
    return answer


@pytest.mark.parametrize(
    "spelled",
    [GIVEN, GIVEN.upper(), GIVEN.replace("-", ""), f"urn:uuid:{GIVEN}"],
    ids=["as-it-is", "upper", "bare", "urn"],
)
async def test_the_correlation_id_of_the_request_goes_to_the_backend(spelled: str) -> None:
    assert await sent_by((b"X-Correlation-ID", spelled.encode())) == GIVEN


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="none"),
        pytest.param([(b"X-Correlation-ID", b"")], id="empty"),
        pytest.param([(b"X-Correlation-ID", b"not-a-uuid")], id="no-uuid"),
        pytest.param([(b"X-Correlation-ID", b"\xff\xfe")], id="binary"),
        pytest.param([(b"X-Correlation-ID", GIVEN.encode()), (b"X-Correlation-ID", b"x")], id="twice"),
    ],
)
async def test_anything_else_is_replaced_by_a_new_one(headers: list[tuple[bytes, bytes]]) -> None:
    first, second = await sent_by(*headers), await sent_by(*headers)

    assert str(UUID(first)) == first != second != GIVEN


async def test_what_a_caller_gives_comes_first() -> None:
    token = correlation_id.set("00000000-0000-4000-8000-000000000000")
    try:
        assert correlation_id_for(GIVEN) == GIVEN
    finally:
        correlation_id.reset(token)


@pytest.mark.parametrize("found", ["x\r\nX-Evil: 1", "a-request-id", GIVEN + "\n"])
async def test_what_an_application_sets_has_to_be_a_uuid_too(found: str) -> None:
    token = correlation_id.set(found)
    try:
        with pytest.raises(InvalidArgument, match="correlation_id"):
            correlation_id_for(None)
    finally:
        correlation_id.reset(token)


async def test_a_response_may_have_no_headers_or_some_that_can_be_read_once() -> None:
    sent: list[Any] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.start", "status": 204, "headers": iter([(b"X-Correlation-Id", b"own")])})

    async def send(message: Any) -> None:
        sent.append(message["headers"])

    middleware: Any = CorrelationIdMiddleware(app)
    await middleware({"type": "http", "headers": [(b"x-correlation-id", GIVEN.encode())]}, None, send)

    assert sent == [[(b"x-correlation-id", GIVEN.encode())], [(b"X-Correlation-Id", b"own")]]


async def test_nothing_is_left_after_the_request_and_the_lifespan_passes() -> None:
    seen: list[Any] = []

    async def app(*arguments: Any) -> None:
        seen.append((arguments, correlation_id.get()))

    middleware: Any = CorrelationIdMiddleware(app)
    kinds = ("lifespan", "http", "websocket")
    asked: list[tuple[Any, ...]] = [({"type": kind, "headers": []}, "receive", "send") for kind in kinds]
    for arguments in asked:
        await middleware(*arguments)

    assert [arguments[:2] for arguments, _ in seen] == [arguments[:2] for arguments in asked]
    assert [found is None for _, found in seen] == [True, False, False]
    assert correlation_id.get() is None


@pytest.mark.parametrize(
    ("kind", "method", "arguments"),
    [
        pytest.param(RASClient, "get_batches_for_user", ["anna"], id="list"),
        pytest.param(RASClient, "iter_batches_for_user", ["anna"], id="iterate"),
        pytest.param(RASClient, "get_batch_status", [BATCH], id="status"),
        pytest.param(RASClient, "ping", [], id="ping"),
        pytest.param(CMSClient, "get_batch_class_info", [[BATCH]], id="class-info"),
    ],
)
async def test_each_method_takes_one_from_its_caller(kind: Any, method: str, arguments: list[Any]) -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["X-Correlation-ID"])
        return httpx.Response(404)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        call = getattr(kind(http, BackendSettings(internal_api_key=KEY)), method)
        with pytest.raises(BackendError) as caught:
            await (anext if method.startswith("iter") else asyncio.ensure_future)(
                call(*arguments, correlation_id=GIVEN)
            )

    assert (sent, caught.value.correlation_id) == ([GIVEN], GIVEN)


@given(st.text())
def test_no_correlation_id_of_a_caller_can_split_a_header(text: str) -> None:
    try:
        found = correlation_id_for(text)
    except ValueError:
        return
    assert str(UUID(found)) == found


async def test_the_id_is_in_the_requests_state_and_in_the_response() -> None:
    bff = FastAPI()
    bff.add_middleware(CorrelationIdMiddleware)

    @bff.get("/")
    def state(request: Request) -> str:
        return str(request.state.correlation_id)

    @bff.get("/own")
    def own(response: Response) -> None:
        response.headers["X-Correlation-ID"] = "its own"

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=bff), base_url="http://bff") as http:
        answer = await http.get("/", headers={"X-Correlation-ID": "0b5c1b0e-6f0a-4c0e-8c53-5b3f6f6d2b11"})
        assert answer.json() == answer.headers["X-Correlation-ID"] == "0b5c1b0e-6f0a-4c0e-8c53-5b3f6f6d2b11"
        assert (await http.get("/own")).headers["X-Correlation-ID"] == "its own"
