"""One request through httpx: its timeouts, what is logged of it, and what remains of it afterwards."""

import gc
import gzip
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bff_clients import BackendSettings, CMSClient
from tests.support.platform import BATCH

pytestmark = pytest.mark.anyio


def classes() -> httpx.Response:
    return httpx.Response(200, json={BATCH: None})


@pytest.mark.parametrize(
    ("own", "applies"),
    [
        pytest.param(0.0, 0.0, id="none-at-all"),
        pytest.param(4.9, 4.9, id="before-the-deadline"),
        pytest.param(5.0, None, id="at-the-deadline"),
        pytest.param(None, None, id="no-timeout"),
    ],
)
async def test_the_clients_own_read_timeout_applies_if_it_precedes_the_deadline(
    own: float | None, applies: float | None, settings: BackendSettings
) -> None:
    seen: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return classes()

    timeout = httpx.Timeout(connect=1.0, read=own, write=2.0, pool=3.0)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), timeout=timeout) as http:
        await CMSClient(http, settings).get_batch_class_info([BATCH])

    assert seen == [{"connect": 1.0, "read": applies, "write": 2.0, "pool": 3.0}]


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collector")
async def test_an_answer_is_freed_without_the_garbage_collector(settings: BackendSettings) -> None:
    answers: list[weakref.ref[httpx.Response]] = []

    def answer(_: httpx.Request) -> httpx.Response:
        response = classes()
        answers.append(weakref.ref(response))
        return response

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await CMSClient(http, settings).get_batch_class_info([BATCH])

    assert [ref() for ref in answers] == [None]


async def test_a_call_is_logged_by_the_clients_alone(
    settings: BackendSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """httpx would log the URL, and with it the user id; other users of its logger are not affected."""
    caplog.set_level(logging.INFO)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: classes())) as http:
        await CMSClient(http, settings).get_batch_class_info([BATCH])
        of_the_call = {record.name for record in caplog.records}
        caplog.clear()
        await http.get("http://elsewhere.test/")

    assert of_the_call == {"bff_clients"}
    assert {record.name for record in caplog.records} == {"httpx"}


LOGGERS = ["httpx", *(f"httpcore.{name}" for name in ("connection", "http11", "http2", "proxy", "socks"))]


@pytest.mark.parametrize("name", LOGGERS)
async def test_what_a_library_logs_during_a_call_is_dropped(
    name: str, settings: BackendSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def answer(_: httpx.Request) -> httpx.Response:
        logging.getLogger(name).debug("the URL")
        return classes()

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await CMSClient(http, settings).get_batch_class_info([BATCH])
        assert "the URL" not in caplog.text
        await http.get("http://elsewhere.test/")

    assert "the URL" in caplog.text


async def test_a_body_that_was_read_and_decompressed_before_is_not_decompressed_again(
    settings: BackendSettings,
) -> None:
    """`httpx.MockTransport`, respx and caches return such responses."""
    packed = gzip.compress(classes().content)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=packed, headers=headers))
    async with httpx.AsyncClient(transport=transport) as http:
        found = await CMSClient(http, settings).get_batch_class_info([BATCH])

    assert found == {BATCH: None}
