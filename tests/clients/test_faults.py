"""Every failure on a real socket becomes an error of the tree, and never shows the key."""

import asyncio
import gzip
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
    EndpointMissing,
    RASClient,
    create_http_client,
)
from tests.support.golden import Golden
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

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_logged_holds_the_key")]


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
    ("behave", "error", "reason", "status_code"),
    [
        pytest.param(resets_in_the_body, BackendUnavailable, "disconnect", None, id="reset-in-the-body"),
        pytest.param(says(b""), BackendUnavailable, "disconnect", None, id="closed-without-answer"),
        pytest.param(says(b"SSH-2.0-OpenSSH\r\n"), BackendUnavailable, "disconnect", None, id="another-protocol"),
        pytest.param(
            says(head(Content_Length="50") + b"{}"), BackendUnavailable, "disconnect", None, id="body-shorter-than-said"
        ),
        pytest.param(
            says(head("503 Service Unavailable", Content_Length="0")), BackendUnavailable, "status", 503, id="busy"
        ),
        pytest.param(says(head("429 Too Many", Content_Length="0")), BackendUnavailable, "status", 429, id="throttled"),
        pytest.param(
            says(head("408 Timeout", Content_Length="0")), BackendUnavailable, "status", 408, id="request-timeout"
        ),
        pytest.param(
            says(head("500 Oops", content_type="text/html") + b"<h1>Oops</h1>"),
            BackendUnavailable,
            "status",
            500,
            id="html-error",
        ),
        pytest.param(says(head("403 No", Content_Length="0")), AuthenticationRejected, None, 403, id="forbidden"),
        pytest.param(says(head("404 No", Content_Length="0")), EndpointMissing, None, 404, id="no-such-endpoint"),
        pytest.param(says(head("400 No", Content_Length="0")), BackendRejected, None, 400, id="bad-request"),
        pytest.param(says(head("431 Too Large", Content_Length="0")), BackendRejected, None, 431, id="head-too-large"),
        pytest.param(says(head("300 Choices", Content_Length="0")), BackendRejected, None, 300, id="choices"),
        pytest.param(
            says(head("302 Found", Location="http://127.0.0.1:9/", Content_Length="0")),
            BackendRejected,
            None,
            302,
            id="redirect",
        ),
        pytest.param(says(head("204 No Content")), ContractViolation, None, 204, id="no-content"),
        pytest.param(says(head(Content_Length="0")), ContractViolation, None, 200, id="empty-body"),
        pytest.param(says(head() + b"{]"), ContractViolation, None, 200, id="invalid-json"),
        pytest.param(says(head() + b'{"batches": "\xff"}'), ContractViolation, None, 200, id="invalid-utf-8"),
        pytest.param(says(head() + b"[]"), ContractViolation, None, 200, id="wrong-type"),
        pytest.param(
            says(head(content_type="text/html") + b"<h1>Hi</h1>"), ContractViolation, None, 200, id="html-as-answer"
        ),
        pytest.param(says(head(Content_Encoding="gzip") + b"not gzip"), ContractViolation, None, None, id="bad-gzip"),
        pytest.param(
            says(head(Content_Encoding="gzip") + gzip.compress(b" " * 10**6)),
            ContractViolation,
            None,
            None,
            id="gzip-bomb",
        ),
        pytest.param(says(head(Content_Length="9" * 15)), ContractViolation, None, None, id="announced-too-large"),
        pytest.param(floods, ContractViolation, None, None, id="endless-body"),
        pytest.param(says(head("503 Busy") + b" " * 300_000), BackendUnavailable, "status", 503, id="busy-at-length"),
        pytest.param(says(head("404 No", Content_Length="9" * 15)), EndpointMissing, None, 404, id="missing-at-length"),
        pytest.param(
            says(head("403 No", Content_Encoding="br") + b"x"),
            AuthenticationRejected,
            None,
            403,
            id="forbidden-in-brotli",
        ),
        pytest.param(
            says(head("500 Oops", Content_Encoding="gzip") + b"no gzip"),
            BackendUnavailable,
            "status",
            500,
            id="failed-in-bad-gzip",
        ),
    ],
)
async def test_each_misbehaviour_of_a_backend_raises_its_error(
    behave: Behaviour, error: type[BackendError], reason: str | None, status_code: int | None, golden: Golden
) -> None:
    async with misbehaving_server(behave) as port:
        caught = await failure(f"http://127.0.0.1:{port}")

    assert type(caught) is error
    assert (getattr(caught, "reason", None), caught.status_code) == (reason, status_code)
    golden.check(caught.detail)
    assert_is_complete_and_hides_the_key(caught)


PAGE = b'{"batches": [], "pagination": {"limit": 20, "offset": 0, "total": 0}}'.ljust(1024)


class Chunks(httpx.AsyncByteStream):
    """A body that arrives in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        pytest.param({}, [PAGE], id="at-once"),
        pytest.param({}, [PAGE[:10], PAGE[10:1000], PAGE[1000:]], id="in-pieces"),
        pytest.param({"Content-Length": "1024"}, [PAGE], id="announced"),
        pytest.param({"Content-Length": "many"}, [PAGE], id="announced-as-nonsense"),
        pytest.param({"Content-Encoding": " Identity "}, [PAGE], id="said-to-be-as-it-is"),
        pytest.param({"Content-Encoding": ""}, [PAGE], id="packed-in-nothing"),
        pytest.param({"Content-Encoding": "identity, ,Identity"}, [PAGE], id="packed-in-nothing-twice"),
    ],
)
async def test_a_body_may_be_as_long_as_the_limit(headers: dict[str, str], pieces: list[bytes]) -> None:
    assert await detail_of(headers, pieces) == "ok"


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [
        pytest.param({}, [PAGE + b" "], id="at-once"),
        pytest.param({}, [PAGE[:10], PAGE[10:1000], PAGE[1000:], b" "], id="in-pieces"),
        pytest.param({"Content-Length": "1025"}, [PAGE], id="announced"),
        pytest.param({"Content-Length": "9" * 5000}, [PAGE], id="announced-as-endless"),
    ],
)
async def test_a_body_may_not_be_longer_than_the_limit(
    headers: dict[str, str], pieces: list[bytes], golden: Golden
) -> None:
    golden.check(await detail_of(headers, pieces))


async def detail_of(headers: dict[str, str], pieces: list[bytes]) -> str:
    """The error detail of a page whose body has these pieces, with a limit of 1024 bytes."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Type": "application/json", **headers}, stream=Chunks(*pieces))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        client = RASClient(http, settings_for("http://ras.test", http_max_response_bytes=1024))
        try:
            await client.get_batches_for_user(TEACHER)
        except ContractViolation as error:
            return error.detail
    return "ok"


@pytest.mark.parametrize("behave", [pytest.param(hangs, id="hangs"), pytest.param(drips, id="drips")])
async def test_one_deadline_ends_the_whole_call(behave: Behaviour, golden: Golden) -> None:
    async with misbehaving_server(behave) as port:
        caught = await failure(f"http://127.0.0.1:{port}", http_client_timeout_seconds=0.3)

    assert type(caught) is BackendTimeout
    assert caught.reason == "timeout"
    golden.check(caught.detail)
    assert_is_complete_and_hides_the_key(caught)


async def test_a_status_that_is_no_success_counts_although_its_body_does_not_end() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head("401 Unauthorized", Content_Length="100") + b"{")
        await reader.read()  # until the caller disconnects

    async with misbehaving_server(behave) as port:
        caught = await failure(f"http://127.0.0.1:{port}", http_client_timeout_seconds=2)

    assert type(caught) is AuthenticationRejected


async def test_the_http_clients_own_timeout_is_a_timeout_too(golden: Golden) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("too slow", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(BackendTimeout) as caught:
            await RASClient(http, settings_for("http://ras.test")).get_batches_for_user(TEACHER)

    golden.check(caught.value.detail)
    assert_is_complete_and_hides_the_key(caught.value)


@pytest.mark.parametrize("host", [pytest.param("127.0.0.1", id="refused"), pytest.param("no.invalid", id="dns")])
async def test_an_unreachable_backend_is_unavailable(host: str) -> None:
    caught = await failure(f"http://{host}:{closed_port()}")

    assert type(caught) is BackendUnavailable
    assert (caught.reason, caught.detail.partition(";")[0]) == ("connect", "no connection")
    assert_is_complete_and_hides_the_key(caught)


async def test_an_untrusted_certificate_is_unavailable() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]  # pyOpenSSL is not there
    async with misbehaving_server(hangs, tls=tls) as port:
        caught = await failure(f"https://127.0.0.1:{port}")

    assert type(caught) is BackendUnavailable
    assert (caught.reason, caught.detail.partition(";")[0]) == ("connect", "no connection")
    assert_is_complete_and_hides_the_key(caught)


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
        pytest.param("1234567890123", 123456789.0, id="more-digits-than-any-wait-has"),
        pytest.param("00000000000000000007", 7.0, id="zeros-before-it"),
        pytest.param("0" * 20, 0.0, id="zeros-alone"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 -1200", 999_999_999.0, id="a-date-beyond-all"),
        pytest.param("Mon, 01 Jan 0001 00:00:00 +1400", 0.0, id="a-date-before-all"),
        pytest.param("Fri, 31 Dec 999999999999999999999 23:59:59 GMT", None, id="a-year-of-21-digits"),
        pytest.param("Sat, 01 Jan 2000 00:00:00 -0000", 0.0, id="a-date-without-a-zone"),
        pytest.param("Sat, 01 Jan 2000 00:00:00 +9999999999", None, id="a-zone-far-away"),
        pytest.param("Sat, 99 Jan 2000 99:99:99 GMT", None, id="no-such-day"),
        pytest.param("-1", None, id="negative"),
        pytest.param("1.5", None, id="a-fraction"),
        pytest.param("1e400", None, id="infinite"),
        pytest.param("nan", None, id="no-number"),
        pytest.param("\xb2", None, id="another-digit"),
        pytest.param("", None, id="nothing"),
        pytest.param(" 7 ", 7.0, id="blanks"),
        pytest.param("Sat, " * 3000, None, id="endless"),
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


def assert_is_complete_and_hides_the_key(error: BackendError) -> None:
    assert "result-aggregator-service get_batches_for_user" in str(error)
    assert error.correlation_id in str(error)
    assert (error.service, error.operation) == ("result-aggregator-service", "get_batches_for_user")
    reported = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)
    assert KEY.get_secret_value() not in reported
