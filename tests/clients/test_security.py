"""Nothing that a user sends can leave its place in a request, and nothing that we hold can leave with one."""

import asyncio
import contextlib
import unicodedata
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bff_clients import BackendError, BackendSettings, BatchClientStatus, BatchStatus, CMSClient, RASClient
from bff_clients._ids import MAX_USER_ID_BYTES
from tests.support.platform import BATCH, KEY

BASE = "http://ras.test:4003/base"


def settings(**changes: Any) -> BackendSettings:
    return BackendSettings.model_validate(
        {"internal_api_key": KEY, "ras_base_url": BASE, "cms_base_url": BASE, **changes}
    )


def sent(call: str, *arguments: Any, **keywords: Any) -> list[httpx.Request]:
    """The requests of a client method; none if it rejects its arguments."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(404)

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            client: Any = (CMSClient if hasattr(CMSClient, call) else RASClient)(http, settings())
            await getattr(client, call)(*arguments, **keywords)

    with contextlib.suppress(BackendError, ValueError):
        asyncio.run(ask())
    return requests


def assert_stays_home(request: httpx.Request) -> None:
    assert (request.url.scheme, request.url.host, request.url.port) == ("http", "ras.test", 4003)
    assert request.url.path.startswith("/base/internal/v1/")
    assert not request.url.fragment
    assert all(b"\r" not in part and b"\n" not in part for pair in request.headers.raw for part in pair)


@given(st.text(min_size=1))
@example("../../healthz")
@example("a/b")
@example("a%2Fb")
@example("?limit=1#x")
@example("//evil.test/")
@example("@evil.test")
@example("a\\..\\b")
@example("ö\u2028\u202e")
@example("anna")
@example("a" * 2049)
def test_a_user_id_is_exactly_one_segment_of_the_path(user_id: str) -> None:
    requests = sent("get_batches_for_user", user_id)
    is_refused = (
        user_id in {".", ".."}
        or "/" in user_id
        or any(unicodedata.category(character) == "Cc" for character in user_id)
        or len(quote(user_id, safe="")) > MAX_USER_ID_BYTES
    )

    assert len(requests) == (0 if is_refused else 1)
    for request in requests:
        assert_stays_home(request)
        raw = request.url.raw_path.decode().partition("?")[0].removeprefix("/base/internal/v1/batches/user/")

        assert "/" not in raw
        assert unquote(raw) == user_id
        assert request.url.query == b"limit=20&offset=0"


@given(st.text())
@example("../healthz")
@example(BATCH + "/../..")
@example(BATCH + "\r\nX-Evil: 1")
@example(BATCH + "?x=1")
@example(BATCH)
def test_a_batch_id_is_a_uuid_or_nothing_is_sent(batch_id: str) -> None:
    of_cms = [*sent("get_batch_class_info", [batch_id]), *sent("get_batch_student_names", batch_id)]
    requests = [*sent("get_batch_status", batch_id), *of_cms]

    assert len(requests) == (3 if batch_id == BATCH else 0)
    for request in requests:
        assert_stays_home(request)


@given(st.text())
@example("a\r\nX-Evil: 1")
@example(BATCH)
def test_a_correlation_id_is_a_uuid_or_nothing_is_sent(correlation: str) -> None:
    requests = sent("get_batch_status", BATCH, correlation_id=correlation)

    assert len(requests) == (1 if correlation == BATCH else 0)
    for request in requests:
        assert_stays_home(request)


@given(st.text())
@example("processing_pipelines&limit=0")
@example("processing")
def test_a_status_is_one_of_the_known_or_nothing_is_sent(status: str) -> None:
    requests = sent("get_batches_for_user", "anna", status=status)

    assert bool(requests) is (status in {*BatchStatus, *BatchClientStatus})
    for request in requests:
        assert_stays_home(request)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@ras",
        "http://@ras",
        "http://ras?x=1",
        "http://ras/?",
        "http://ras#x",
        "http://ras/a b",
        "http://ras\r\nX: 1",
        "ftp://ras",
        "//ras",
        "ras",
        "http://",
        "http://ras:0",
        "http://ras:99999",
    ],
)
def test_a_base_url_that_could_leak_or_go_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(ras_base_url=url)

    assert "secret" not in str(caught.value)


@given(st.text(min_size=1, max_size=20))
def test_a_key_that_could_split_a_header_is_refused(key: str) -> None:
    assume(not key.isascii() or not key.isprintable() or " " in key)
    with pytest.raises(ValidationError) as caught:
        settings(internal_api_key=key)

    assert len(key) < 4 or key not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["http://evil.test/", "//evil.test/", "https://ras.test/", "/elsewhere"])
def test_the_key_does_not_follow_a_redirect(status: int, where: str) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(status, headers={"Location": where})

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True) as http:
            await RASClient(http, settings()).get_batch_status(BATCH)

    with pytest.raises(BackendError):
        asyncio.run(ask())

    assert len(asked) == 1
