"""A head that repeats on a connection is not parsed again, with the same answer."""

from collections.abc import Generator
from socket import socket

import pytest

from bff_mock_server import Backends, serve
from bff_mock_server.matching.request import RepeatedHeaders
from bff_mock_server.serving.http import MAX_HEAD_BYTES
from bff_mock_server.serving.known_head import KnownHead
from tests.mock_server.building import HEADERS
from tests.mock_server.serving.connections import PAGE, answers, connected, everything, head


@pytest.fixture(scope="module")
def backends() -> Generator[Backends]:
    with serve() as running:
        yield running


VARIANTS = {
    "same": head(),
    "other-target": head(PAGE.replace("limit=5", "limit=2")),
    "other-correlation-id": head(X_Correlation_ID="3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99"),
    "longer-correlation-id": head(X_Correlation_ID="3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99-and-more"),
    "bytes-in-the-correlation-id": head(X_Correlation_ID="\xff\xfe"),
    "blank-in-the-correlation-id": head(X_Correlation_ID="a b"),
    "no-correlation-id": head().replace(b"X-Correlation-ID", b"X-Something-Else"),
    "two-correlation-ids": head().replace(b"\r\n\r\n", b"\r\nX-Correlation-ID: another\r\n\r\n"),
    "wrong-key": head(X_Internal_API_Key="not-the-key"),
    "key-of-the-same-length": head(X_Internal_API_Key="INJECTED-AT-VERIFICATIOM"),
    "no-key": head().replace(b"X-Internal-API-Key", b"X-Internal-API-Kez"),
    "header-more": head(X_More="1"),
    "session": head(X_Mock_Session="another"),
    "fault": head(X_Mock_Fault="status=503"),
    "late": head(X_Mock_Fault="latency=20ms"),
    "other-method": head(method="PUT", Content_Length="0"),
    "body": head(Content_Length="3") + b"abc",
    "absolute-target": head(f"http://127.0.0.1{PAGE}"),
    "fragment": head(f"{PAGE}#part"),
    "escape-in-the-target": head("/internal/v1/batches/user/%FF?limit=5&offset=0"),
    "two-at-once": head() + head(PAGE.replace("limit=5", "limit=2")),
}


def asked_with_ids(backends: Backends, count: int) -> list[tuple[str, str | None, int]]:
    return [(each.target, each.correlation_id, each.status) for each in backends.requests[-count:]]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("known", ["same", "no-correlation-id"])
def test_a_head_that_was_seen_before_is_read_as_the_first_time(backends: Backends, known: str, variant: bytes) -> None:
    count = 2 if variant == VARIANTS["two-at-once"] else 1
    with connected(backends) as connection:
        connection.sendall(variant)
        alone = answers(connection, count), asked_with_ids(backends, count)
    with connected(backends) as connection:
        before = [_asked(connection, backends, VARIANTS[known]) for _ in range(4)]  # parsed, known, kept, from memory
        connection.sendall(variant)
        behind = answers(connection, count), asked_with_ids(backends, count)
        again = _asked(connection, backends, VARIANTS[known])

    assert behind == alone
    assert [again] * 4 == before


def _asked(connection: socket, backends: Backends, request: bytes) -> object:
    connection.sendall(request)
    return answers(connection, 1), asked_with_ids(backends, 1)


def test_a_long_target_behind_a_known_head_is_refused(backends: Backends) -> None:
    with connected(backends) as connection:
        for _ in range(2):
            connection.sendall(head())
            assert answers(connection, 1)[0][0] == 200
        connection.sendall(head(f"{PAGE}&x={'y' * MAX_HEAD_BYTES}"))

        assert everything(connection).startswith(b"HTTP/1.1 431")


# What a connection knows of a head, without a connection

SENT = {name.lower(): value for name, value in HEADERS.items()}


@pytest.fixture
def known() -> KnownHead:
    found = KnownHead.of(head(), SENT)
    assert found is not None
    return found


@pytest.mark.parametrize("variant", ["same", "other-target", "other-correlation-id", "longer-correlation-id"])
def test_of_a_known_head_target_and_correlation_id_are_read(known: KnownHead, variant: str) -> None:
    target = PAGE.replace("limit=5", "limit=2") if variant == "other-target" else PAGE
    correlation_id = {
        "other-correlation-id": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99",
        "longer-correlation-id": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99-and-more",
    }.get(variant, HEADERS["X-Correlation-ID"])

    asked = known.asked(target, correlation_id)

    assert known.read(VARIANTS[variant]) == (target, correlation_id)
    assert dict(asked.headers) == {**SENT, "x-correlation-id": correlation_id}
    assert asked.surroundings == known.surroundings


def test_a_query_begins_at_the_first_question_mark(known: KnownHead) -> None:
    asked = known.asked("/batches?limit=5?&offset=0", None)

    assert (asked.path, asked.query_string) == ("/batches", "limit=5?&offset=0")


READ_AS_KNOWN = {"same", "other-target", "other-correlation-id", "longer-correlation-id", "escape-in-the-target"}


@pytest.mark.parametrize("variant", sorted(VARIANTS.keys() - READ_AS_KNOWN))
def test_any_other_head_is_not_known(known: KnownHead, variant: str) -> None:
    assert known.read(VARIANTS[variant]) is None


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        pytest.param(head(Expect="100-continue"), {**SENT, "expect": "100-continue"}, id="asks-first"),
        pytest.param(VARIANTS["two-correlation-ids"], RepeatedHeaders(SENT, []), id="repeated-headers"),
    ],
)
def test_a_head_of_which_nothing_can_be_known_is_parsed_each_time(data: bytes, headers: dict[str, str]) -> None:
    assert KnownHead.of(data, headers) is None


def test_a_head_without_a_correlation_id_is_known_as_a_whole() -> None:
    data = VARIANTS["no-correlation-id"]
    known = KnownHead.of(data, {"x-something-else": "same"})
    assert known is not None

    assert known.read(data) == (PAGE, None)
    assert dict(known.asked(PAGE, None).headers) == {"x-something-else": "same"}
    assert known.read(data + data) is None
    assert known.read(data[:-1]) is None
    assert known.read(head()) is None
