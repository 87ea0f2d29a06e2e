"""Every failure a caller can meet ends in our error tree, on real sockets, and never shows the key."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator

import httpx
import pytest
import trustme

from bff_clients import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendSettings,
    BackendTimeout,
    BackendUnavailable,
    ContractViolation,
    RASClient,
    create_http_client,
)
from tests.support.misbehaving import (
    Behaviour,
    drips,
    floods,
    hangs,
    head,
    misbehaving_server,
    resets_in_the_body,
    says,
)
from tests.support.platform import KEY, TEACHER

pytestmark = pytest.mark.anyio


def settings_for(base_url: str, **changes: float) -> BackendSettings:
    return BackendSettings(internal_api_key=KEY, ras_base_url=base_url, http_max_response_bytes=200_000).model_copy(
        update={"http_client_timeout_seconds": 10, **changes}
    )


async def failure(base_url: str, **changes: float) -> BackendError:
    settings = settings_for(base_url, **changes)
    async with create_http_client(settings) as http:
        with pytest.raises(BackendError) as caught:
            await RASClient(http, settings).get_batches_for_user(TEACHER)
    return caught.value


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("behave", "error", "reason"),
    [
        pytest.param(resets_in_the_body, BackendUnavailable, "disconnect", id="reset-in-the-body"),
        pytest.param(says(b""), BackendUnavailable, "disconnect", id="closed-without-answer"),
        pytest.param(says(b"SSH-2.0-OpenSSH\r\n"), BackendUnavailable, "disconnect", id="another-protocol"),
        pytest.param(
            says(head(Content_Length="50") + b"{}"), BackendUnavailable, "disconnect", id="body-shorter-than-said"
        ),
        pytest.param(
            says(head("503 Service Unavailable", Content_Length="0")), BackendUnavailable, "status", id="busy"
        ),
        pytest.param(says(head("429 Too Many", Content_Length="0")), BackendUnavailable, "status", id="throttled"),
        pytest.param(says(head("408 Timeout", Content_Length="0")), BackendUnavailable, "status", id="request-timeout"),
        pytest.param(
            says(head("500 Oops", content_type="text/html") + b"<h1>Oops</h1>"),
            BackendUnavailable,
            "status",
            id="html-error",
        ),
        pytest.param(says(head("403 No", Content_Length="0")), AuthenticationRejected, None, id="forbidden"),
        pytest.param(says(head("400 No", Content_Length="0")), BackendRejected, None, id="bad-request"),
        pytest.param(says(head("431 Too Large", Content_Length="0")), BackendRejected, None, id="head-too-large"),
        pytest.param(
            says(head("302 Found", Location="http://127.0.0.1:9/", Content_Length="0")),
            BackendRejected,
            None,
            id="redirect",
        ),
        pytest.param(says(head("204 No Content")), ContractViolation, None, id="no-content"),
        pytest.param(says(head(Content_Length="0")), ContractViolation, None, id="empty-body"),
        pytest.param(says(head() + b"{]"), ContractViolation, None, id="invalid-json"),
        pytest.param(says(head() + b'{"batches": "\xff"}'), ContractViolation, None, id="invalid-utf-8"),
        pytest.param(says(head() + b"[]"), ContractViolation, None, id="wrong-type"),
        pytest.param(
            says(head(content_type="text/html") + b"<h1>Hi</h1>"), ContractViolation, None, id="html-as-answer"
        ),
        pytest.param(says(head(Content_Encoding="gzip") + b"not gzip"), ContractViolation, None, id="bad-gzip"),
        pytest.param(
            says(head(Content_Encoding="gzip") + gzip.compress(b" " * 10**6)), ContractViolation, None, id="gzip-bomb"
        ),
        pytest.param(says(head(Content_Length="9" * 15)), ContractViolation, None, id="announced-too-large"),
        pytest.param(floods, ContractViolation, None, id="endless-body"),
    ],
)
async def test_a_misbehaving_backend_is_the_error_that_says_what_to_do(
    behave: Behaviour, error: type[BackendError], reason: str | None
) -> None:
    async with misbehaving_server(behave) as port:
        caught = await failure(f"http://127.0.0.1:{port}")

    assert type(caught) is error
    assert getattr(caught, "reason", None) == reason
    assert_tells_what_and_hides_the_key(caught)


@pytest.mark.parametrize("behave", [pytest.param(hangs, id="hangs"), pytest.param(drips, id="drips")])
async def test_one_deadline_ends_the_whole_call(behave: Behaviour) -> None:
    async with misbehaving_server(behave) as port:
        caught = await failure(f"http://127.0.0.1:{port}", http_client_timeout_seconds=0.3)

    assert type(caught) is BackendTimeout
    assert caught.reason == "timeout"
    assert_tells_what_and_hides_the_key(caught)


async def test_the_http_clients_own_timeout_is_a_timeout_too() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too slow", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(BackendTimeout) as caught:
            await RASClient(http, settings_for("http://ras.test")).get_batches_for_user(TEACHER)

    assert_tells_what_and_hides_the_key(caught.value)


@pytest.mark.parametrize("host", [pytest.param("127.0.0.1", id="refused"), pytest.param("no.invalid", id="dns")])
async def test_a_backend_that_is_not_there_is_unavailable(host: str) -> None:
    caught = await failure(f"http://{host}:{closed_port()}")

    assert type(caught) is BackendUnavailable
    assert caught.reason == "connect"
    assert_tells_what_and_hides_the_key(caught)


async def test_an_untrusted_certificate_is_unavailable() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]  # pyOpenSSL is not there
    async with misbehaving_server(hangs, tls=tls) as port:
        caught = await failure(f"https://127.0.0.1:{port}")

    assert type(caught) is BackendUnavailable
    assert caught.reason == "connect"
    assert_tells_what_and_hides_the_key(caught)


async def test_the_key_does_not_pass_through_a_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    async with misbehaving_server(says(head("503 Busy", Content_Length="0"))) as port:
        caught = await failure(f"http://127.0.0.1:{port}")

    assert caught.status_code == 503


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("Sat, 01 Jan 2000 00:00:00 GMT", 0.0, id="a-date-gone-by"),
        pytest.param("soon", None, id="neither"),
    ],
)
async def test_retry_after_is_passed_on(header: str, seconds: float | None) -> None:
    async with misbehaving_server(says(head("503 Busy", Retry_After=header, Content_Length="0"))) as port:
        caught = await failure(f"http://127.0.0.1:{port}")

    assert isinstance(caught, BackendUnavailable)
    assert caught.retry_after == seconds


async def test_a_callers_cancellation_stays_a_cancellation() -> None:
    async with misbehaving_server(hangs) as port:
        settings = settings_for(f"http://127.0.0.1:{port}")
        async with create_http_client(settings) as http:
            task = asyncio.create_task(RASClient(http, settings).get_batches_for_user(TEACHER))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


@pytest.fixture(autouse=True)
async def nothing_logged_holds_the_key(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    logging.getLogger(__name__).debug("the log is being read")
    assert "the log is being read" in caplog.text
    assert KEY.get_secret_value() not in caplog.text


def assert_tells_what_and_hides_the_key(error: BackendError) -> None:
    assert "result-aggregator-service get_batches_for_user" in str(error)
    assert error.correlation_id in str(error)
    assert error.operation == "get_batches_for_user"
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)
    assert KEY.get_secret_value() not in told
