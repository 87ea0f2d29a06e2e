"""Requests written byte by byte to a socket, and the answers read back from it."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from bff_mock_server import Backends, find_scenario
from tests.mock_server.building import HEADERS

TEACHER = find_scenario("default").teachers[0].user_id
PAGE = f"/internal/v1/batches/user/{TEACHER}?limit=5&offset=0"


@contextmanager
def connected(backends: Backends) -> Generator[socket.socket]:
    parts = urlsplit(backends.ras_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        yield connection


def head(target: str = PAGE, *, method: str = "GET", version: str = "1.1", **more: str) -> bytes:
    headers = {"Host": "127.0.0.1", **HEADERS, **{name.replace("_", "-"): value for name, value in more.items()}}
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def everything(connection: socket.socket) -> bytes:
    """The bytes until the other side closes."""
    chunks: list[bytes] = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def answers(connection: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """So many answers with a length, each as status and body."""
    found: list[tuple[int, bytes]] = []
    data = b""
    while len(found) < count:
        start, separator, rest = data.partition(b"\r\n\r\n")
        size = _length(start) if separator else 0
        if not separator or len(rest) < size:
            chunk = connection.recv(1 << 20)
            assert chunk, f"closed after {data[:1000]!r}"
            data += chunk
            continue
        found.append((int(start.split(b" ")[1]), rest[:size]))
        data = rest[size:]
    return found


def _length(start: bytes) -> int:
    lengths = (line[16:] for line in start.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return int(next(lengths, b"0"))


def is_served(backends: Backends) -> bool:
    return httpx.get(f"{backends.ras_url}{PAGE}", headers=HEADERS).status_code == 200
