"""Connections on real sockets: prompt and late answers, faults, and hostile clients."""

import json
import resource
import socket
import struct
import time
from collections.abc import Generator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bff_contracts.platform import STATES_PATH
from bff_mock_server import Backends, serve
from bff_mock_server.serving import protocol, server
from bff_mock_server.serving.http import MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_STATE_BYTES
from tests.mock_server.building import HEADERS, batch_id
from tests.mock_server.serving.connections import PAGE, answers, connected, everything, head, is_served
from tests.support.mock_process import RunningMock, running_mock


@pytest.fixture(scope="module")
def backends() -> Generator[Backends]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def mock() -> Generator[RunningMock]:
    with running_mock() as running:
        yield running


def test_requests_in_a_row_are_answered_in_order_on_one_connection(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(b"".join(head(PAGE.replace("limit=5", f"limit={number}")) for number in range(1, 51)))
        found = answers(connection, 50)

    assert [status for status, _ in found] == [200] * 50
    assert [len(json.loads(body)["batches"]) for _, body in found] == list(range(1, 51))


def test_an_answer_that_is_late_keeps_its_place(backends: Backends) -> None:
    with connected(backends) as connection:
        late = head(PAGE.replace("limit=5", "limit=1"), X_Mock_Fault="latency=50ms")
        connection.sendall(late + head(PAGE.replace("limit=5", "limit=2")) + head("/healthz"))
        found = answers(connection, 3)

    assert [len(json.loads(body)["batches"]) for _, body in found[:2]] == [1, 2]


def test_a_request_may_come_byte_by_byte(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head():
            connection.sendall(bytes([byte]))

        assert answers(connection, 1)[0][0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(head(version="1.0"), 200, id="http-1.0"),
        pytest.param(head(Connection="close"), 200, id="close"),
        pytest.param(head(method="HEAD", Connection="close"), 405, id="head"),
        pytest.param(head(method="POST", Content_Length="2", Connection="close") + b"{}", 405, id="post"),
        pytest.param(head(Content_Length="3", Connection="close") + b"abc", 200, id="get-with-a-body"),
        pytest.param(head(Expect="100-continue", Content_Length="0", Connection="close"), 200, id="expect"),
        pytest.param(head(f"http://127.0.0.1{PAGE}", Connection="close"), 200, id="absolute-target"),
        pytest.param(head(Connection="upgrade, close", Upgrade="websocket"), 200, id="upgrade-that-nobody-speaks"),
        pytest.param(head("/internal/v1/batches/user/%FF?limit=5&offset=0", Connection="close"), 200, id="bad-utf-8"),
        pytest.param(head("/\xff\xfe", Connection="close"), 400, id="bytes-in-the-path"),
        pytest.param(head(f"{PAGE}&x=%ff%fe%", Connection="close"), 400, id="bad-escape-in-the-query"),
        pytest.param(head(X_Correlation_ID="\xff\xfe", Connection="close"), 400, id="bytes-in-a-header"),
        pytest.param(head(X_Correlation_ID="a" * 8000 + "!", Connection="close"), 400, id="long-value-for-a-regex"),
        pytest.param(head(X_Mock_State="(a+)+$" * 500, Connection="close"), 400, id="regex-bomb-as-a-state"),
        pytest.param(head(X_Mock_Fault="(" * 8000, Connection="close"), 400, id="regex-bomb-as-a-fault"),
        pytest.param(head(X_Mock_Session="\x7f", Connection="close"), 400, id="odd-session"),
        pytest.param(
            head(f"/internal/v1/batches/class-info?batch_ids={','.join([batch_id(1)] * 10_000)}"), 431, id="10000-ids"
        ),
        pytest.param(head(X_Big="x" * 8_000_000), 431, id="8-mb-of-headers"),
        pytest.param(head(**{f"X_{number}": "y" * 100 for number in range(400)}), 431, id="400-headers"),
        pytest.param(b"GET " + b"/" * 8_000_000, 431, id="8-mb-of-target"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="tls"),
        pytest.param(b"hello there\r\n\r\n", 400, id="no-http"),
        pytest.param(head(Content_Length="-1"), 400, id="negative-length"),
        pytest.param(head(Content_Length="2", Transfer_Encoding="chunked"), 400, id="two-lengths"),
    ],
)
def test_odd_and_hostile_requests_get_an_answer_and_the_next_is_served(
    backends: Backends, request_bytes: bytes, status: int
) -> None:
    with connected(backends) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused while it was being sent
            connection.sendall(request_bytes)
        try:
            data = everything(connection)
        except ConnectionResetError:
            data = b""

    assert data == b"" or [int(data.split(b" ")[1])] in ([status], [100])
    assert data or status == 431  # a client that sends megabytes may meet a reset instead
    assert is_served(backends)


def test_a_head_that_is_just_small_enough_is_taken(backends: Backends) -> None:
    room = MAX_HEAD_BYTES - len(head(X_Big="", Connection="close"))
    statuses: list[bytes] = []
    for size in (room - 100, room + 100):
        with connected(backends) as connection:
            connection.sendall(head(X_Big="x" * size, Connection="close"))
            statuses.append(everything(connection)[9:12])

    assert statuses == [b"200", b"431"]


def test_a_431_has_no_body_like_that_of_the_real_services(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head(X_Big="x" * 20_000))

        assert everything(connection).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nX-Slow:", b"HTTP/1.1 408", id="head"),
        pytest.param(head(method="POST", Content_Length="10") + b"abc", b"", id="body"),
        pytest.param(b"", b"", id="silent"),
        pytest.param(head("/healthz"), b"HTTP/1.1 200", id="silent-afterwards"),
    ],
)
def test_a_client_that_is_slow_or_silent_is_dropped(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, answer: bytes
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(server, "_SWEEP_SECONDS", 0.05)
    with serve() as backends, connected(backends) as connection:
        connection.sendall(sent)

        assert everything(connection)[: len(answer)] == answer
        assert is_served(backends)


def test_an_answer_under_way_is_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(server, "_SWEEP_SECONDS", 0.05)
    with serve() as backends, connected(backends) as connection:
        connection.sendall(head("/healthz", X_Mock_Fault="latency=1200ms"))

        assert answers(connection, 1)[0][0] == 200


def test_a_client_that_does_not_read_is_waited_for_and_loses_nothing(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.settimeout(0.2)
        request, sent = head(PAGE.replace("limit=5", "limit=100"), X_Pad="x" * 8000), 0
        with suppress(TimeoutError):  # it has to wait
            for _ in range(2000):
                connection.sendall(request)
                sent += 1
        assert is_served(backends)
        connection.settimeout(10)
        found = answers(connection, sent)

    assert 0 < sent < 2000
    assert {(status, len(json.loads(body)["batches"])) for status, body in found} == {(200, 100)}


def test_a_thousand_connections_are_held_and_served() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        with running_mock() as mock, ExitStack() as stack:
            parts = urlsplit(mock.ras)
            address = (parts.hostname, parts.port)
            connections = [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(1000)]
            for connection in connections:
                connection.sendall(head())

            assert {answers(connection, 1)[0][0] for connection in connections} == {200}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        pytest.param("reset", None, httpx.ReadError, id="reset"),
        pytest.param("empty", None, httpx.RemoteProtocolError, id="empty"),
        pytest.param("truncate", None, httpx.RemoteProtocolError, id="truncated"),
        pytest.param("latency=1ms; html=502", 502, None, id="late-error"),
        pytest.param("drip=0ms", 200, None, id="dripping"),
        pytest.param("malformed", 200, None, id="malformed"),
        pytest.param("status=429 retry-after=3", 429, None, id="status"),
    ],
)
@pytest.mark.parametrize("target", [PAGE, "/healthz"], ids=["page", "no-body"])
def test_armed_faults_reach_the_socket(
    backends: Backends, fault: str, status: int | None, error: type[Exception] | None, target: str
) -> None:
    def ask() -> httpx.Response:
        return httpx.get(f"{backends.ras_url}{target}", headers={**HEADERS, "X-Mock-Fault": fault})

    if error is not None and (fault, target) != ("truncate", "/healthz"):  # nothing can be cut off nothing
        with pytest.raises(error):
            ask()
    else:
        assert ask().status_code == (status or 200)
    assert is_served(backends)


def test_a_reset_is_a_reset(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head(X_Mock_Fault="reset"))

        with pytest.raises(ConnectionResetError):
            everything(connection)


def test_half_of_the_body_arrives_under_the_whole_length(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head(X_Mock_Fault="truncate"))
        start, _, body = everything(connection).partition(b"\r\n\r\n")

    assert f"content-length: {2 * len(body)}"[:-1].encode() in start


def test_a_client_that_leaves_while_it_drips_costs_nothing(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head(X_Mock_Fault="drip=10ms"))
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert is_served(backends)


def test_a_client_that_disconnects_leaves_nothing_behind() -> None:
    with serve() as backends:
        for fault in ("latency=300s", "drip=300s", "latency=300s; reset"):
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(f"{backends.ras_url}{PAGE}", headers={**HEADERS, "X-Mock-Fault": fault}, timeout=0.05)
        with connected(backends) as waiting:
            waiting.sendall(head(X_Mock_Fault="latency=300s"))
            assert is_served(backends)
            began = time.monotonic()

    assert time.monotonic() - began < 60  # it did not wait for a client, which would have 300 s


@pytest.mark.parametrize("fault", ["reset", "empty", "truncate"])
def test_what_is_queued_behind_a_lost_connection_is_lost_with_it(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    with serve() as backends, connected(backends) as connection:
        connection.sendall(head(X_Mock_Fault=fault) + head() + head())
        with suppress(ConnectionResetError):
            everything(connection)
        assert is_served(backends)

    assert caplog.messages == []


def test_a_client_that_always_has_more_is_not_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 1.2)
    monkeypatch.setattr(server, "_SWEEP_SECONDS", 0.05)
    request, half = head("/healthz"), len(head("/healthz")) // 2
    with serve() as backends, connected(backends) as connection, connected(backends) as other:
        connection.sendall(request[:half])
        for _ in range(4):
            connection.sendall(request[half:] + request[:half])
            assert answers(connection, 1)[0][0] == 200
            # Time passes, and the connection is never without half a request.
            other.sendall(head("/healthz", X_Mock_Fault="latency=400ms"))
            answers(other, 1)


def test_trailers_are_not_headers(backends: Backends) -> None:
    trailers = b"X-Mock-Fault: status=503\r\n" * 1000
    with connected(backends) as connection:
        chunked = head("/healthz", Transfer_Encoding="chunked", Connection="close")
        connection.sendall(chunked + b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n")

        assert everything(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("target", "size"),
    [pytest.param("/healthz", MAX_BODY_BYTES, id="request"), pytest.param(STATES_PATH, MAX_STATE_BYTES, id="state")],
)
def test_a_body_without_an_end_is_cut_off(backends: Backends, target: str, size: int) -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with connected(backends) as connection:
        connection.sendall(head(target, method="POST", Transfer_Encoding="chunked"))
        with suppress(BrokenPipeError, ConnectionResetError):  # refused while it was being sent
            for _ in range(size // 0x100000 + 1):
                connection.sendall(chunk)
        with suppress(ConnectionResetError):
            assert connection.recv(65536)[9:12] == b"413"
    assert is_served(backends)


def test_a_client_that_leaves_before_the_end_of_its_body_asked_nothing(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head("/left", method="POST", Content_Length="10") + b"abc")

    assert is_served(backends)
    assert not [request for request in backends.requests if request.path == "/left"]


def test_expect_100_continue_is_answered(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head("/healthz", Expect="100-continue", Content_Length="3", Connection="close"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")

        assert everything(connection).startswith(b"HTTP/1.1 200")


def test_a_refusal_waits_for_the_answers_before_it(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head("/healthz", X_Mock_Fault="latency=50ms") + b"no http\r\n\r\n")
        data = everything(connection)

    assert [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]


@pytest.mark.parametrize("late", ["malformed", "latency=20ms"], ids=["at-once", "late"])
def test_an_answer_to_head_has_no_body(backends: Backends, late: str) -> None:
    with connected(backends) as connection:
        connection.sendall(head(method="HEAD", X_Mock_Fault=late) + head("/healthz", Connection="close"))
        first, _, rest = everything(connection).partition(b"\r\n\r\n")

    assert first.startswith(b"HTTP/1.1 405")
    assert b"content-length: 0" not in first
    assert rest.startswith(b"HTTP/1.1 200")


def test_a_large_head_behind_another_request_is_refused_too(backends: Backends) -> None:
    with connected(backends) as connection:
        connection.sendall(head("/healthz") + head("/healthz", X_Big="x" * 30_000))
        data = everything(connection)

    assert [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]] == [b"200", b"431"]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * 100_000, b"400", id="head"),
        pytest.param(
            b"POST /_mock/states HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n\r\n" + b"y" * 2_000_000,
            b"413",
            id="body",
        ),
    ],
)
def test_the_control_port_is_guarded_as_well(request_bytes: bytes, status: bytes, mock: RunningMock) -> None:
    parts = urlsplit(mock.control)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request_bytes)
        with suppress(ConnectionResetError):
            data = connection.recv(65536)
            assert data[9:12] == status
    assert httpx.get(f"{mock.control}/_mock/health").status_code == 200


def test_latency_is_waited_for(backends: Backends) -> None:
    began = time.monotonic()

    httpx.get(f"{backends.ras_url}/healthz", headers={"X-Mock-Fault": "latency=150ms"})

    assert time.monotonic() - began >= 0.15  # no less; how much more is the machine's affair


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="from-here"),
        pytest.param({"Origin": "http://localhost:3000"}, 200, id="page-of-this-machine"),
        pytest.param({"Host": "evil.example"}, 403, id="rebound-name"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign-page"),
    ],
)
def test_states_are_set_from_this_machine_alone(backends: Backends, headers: dict[str, str], status: int) -> None:
    call: dict[str, Any] = {"state": "", "params": {}, "action": "setup"}

    answer = httpx.post(f"{backends.ras_url}/_pact/provider_states", json=call, headers=headers)

    assert answer.status_code == status
    assert status == 200 or "evil.example" in answer.json()["detail"]
