"""Answers at the edge of HTTP and JSON: what a caller gets, over both transports."""

import json
from typing import Final, Literal

import pytest

from bff_clients import BackendError, BackendSettings, RASClient, create_http_client
from tests.support.misbehaving import head, misbehaving_server, says
from tests.support.platform import KEY, TEACHER
from tests.support.ras_pages import page, row
from tests.support.transports import ok

pytestmark = pytest.mark.anyio

BODY: Final = json.dumps(page(row(user_id=TEACHER))).encode()
GOOD: Final = ok(BODY)
IDENTITY: Final = b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n"
CHUNKS: Final = b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
NOT_JSON: Final = "ContractViolation: body outside the contract: body: json_invalid"
NO_LIST: Final = "ContractViolation: body outside the contract: batches: invalid"
NO_TOTAL: Final = "ContractViolation: body outside the contract: pagination.total: invalid"
LOST: Final = "BackendUnavailable: connection lost (RemoteProtocolError)"


def moved(to: str) -> bytes:
    return head("302 Found", Location=to, Content_Length="0")


def text(body: bytes, content_type: str) -> bytes:
    return head(content_type=content_type, Content_Length=str(len(body))) + body


def changed(old: bytes, new: bytes) -> bytes:
    return ok(BODY.replace(old, new))


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(moved("http://["), "BackendRejected: status 302", id="redirect-to-an-open-bracket"),
        pytest.param(moved("http://a:99999/"), "BackendRejected: status 302", id="redirect-to-no-port"),
        pytest.param(moved("javascript:1"), "BackendRejected: status 302", id="redirect-to-a-script"),
        pytest.param(moved("http://xn--zz--0/"), "BackendRejected: status 302", id="redirect-to-no-name"),
        pytest.param(moved("x" * 30_000), "BackendRejected: status 302", id="redirect-to-a-long-address"),
        pytest.param(moved("::::"), "BackendRejected: status 302", id="redirect-to-colons"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD, "1 row", id="100-first"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD, "1 row", id="103-first"),
        pytest.param(GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"), "1 row", id="http-1.0"),
        pytest.param(head().replace(b"HTTP/1.1", b"HTTP/1.0") + BODY, "1 row", id="http-1.0-until-it-closes"),
        pytest.param(BODY, LOST, id="http-0.9"),
        pytest.param(head(Content_Length="3")[:-2] + GOOD[GOOD.index(b"Content-Length") :], LOST, id="two-lengths"),
        pytest.param(head(Content_Length="-1") + BODY, LOST, id="negative-length"),
        pytest.param(head(Content_Length="0x10") + BODY, LOST, id="hexadecimal-length"),
        pytest.param(head(Transfer_Encoding="chunked") + CHUNKS + b"A: b\r\n\r\n", "1 row", id="trailer"),
        pytest.param(head(Transfer_Encoding="chunked") + b"-1\r\n{}\r\n", LOST, id="negative-chunk"),
        pytest.param(ok(BODY, Set_Cookie="a=b; Domain=.test"), "1 row", id="cookie"),
        pytest.param(ok(BODY, Content_Encoding=""), "1 row", id="empty-coding"),
        pytest.param(ok(BODY, Content_Encoding="Identity"), "1 row", id="identity"),
        pytest.param(IDENTITY + ok(BODY, Content_Encoding="identity")[17:], "1 row", id="identity-twice"),
        pytest.param(text(BODY, "APPLICATION/JSON; charset=utf-16"), "1 row", id="charset-of-another"),
        pytest.param(text(BODY.decode().encode("utf-16"), "application/json; charset=utf-16"), NOT_JSON, id="utf-16"),
        pytest.param(ok(BODY + b" \n"), "1 row", id="blanks-at-the-end"),
        pytest.param(ok(BODY + b"x"), NOT_JSON, id="more-at-the-end"),
        pytest.param(ok(b'{"x":' + b"[" * 10_000), NOT_JSON, id="deep"),
        pytest.param(changed(b'"batches"', b'"batches": [], "batches"'), "1 row", id="a-key-twice"),
        pytest.param(changed(b'"batches"', b'"batches": 1, "batches"'), NO_LIST, id="a-key-twice-and-once-wrong"),
        pytest.param(changed(b'"total": 1', b'"total": ' + b"9" * 5000), NO_TOTAL, id="a-number-of-5000-digits"),
        pytest.param(changed(b'"total": 1', b'"total": NaN'), NOT_JSON, id="no-number"),
        pytest.param(changed(b'"user_id": "', b'"user_id": "\\ud800'), NOT_JSON, id="half-a-surrogate-pair"),
    ],
)
async def test_an_odd_answer_is_a_page_or_an_error_of_ours(
    answer: bytes, outcome: str, transport: Literal["aiohttp", "httpx"]
) -> None:
    async with misbehaving_server(says(answer)) as port:
        settings = BackendSettings(
            internal_api_key=KEY,
            ras_base_url=f"http://127.0.0.1:{port}",
            http_transport=transport,
            http_retry_backoff_seconds=0.001,
        )
        async with create_http_client(settings) as http:
            try:
                found = f"{len(await RASClient(http, settings).get_batches_for_user(TEACHER))} row"
            except BackendError as error:
                found = f"{type(error).__name__}: {error.detail}"

    assert found == outcome
