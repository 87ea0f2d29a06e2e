"""The server of the client benchmarks: it answers with prepared bytes, faster than any client reads."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote
from uuid import NAMESPACE_URL, uuid5

import uvloop

from benchmarks import processors
from bff_mock_server import a_batch

FULL: Final = "full"
LEAN: Final = "lean"
SLOW: Final = "slow"
"""A lean page that takes a second, so that those who ask at the same time need a connection each."""

USERS: Final[Mapping[str, str]] = {name: str(uuid5(NAMESPACE_URL, name)) for name in (FULL, LEAN, SLOW)}
"""Whose page is which."""

ROWS: Final = 20
ESSAYS: Final = 32
CHUNK: Final = 100
BATCH_IDS: Final = tuple(str(uuid5(NAMESPACE_URL, f"batch {number}")) for number in range(10 * CHUNK))
"""Ids that it knows classes of."""

_CLASS: Final = json.dumps({"class_id": str(uuid5(NAMESPACE_URL, "class")), "class_name": "Svenska 1 – SA24B"})
_SLOW_SECONDS: Final = 1.0


@contextmanager
def serving() -> Generator[str]:
    """Run the server on a free port of 127.0.0.1, in a process of its own; gives its URL."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=512) as listener,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.client_server", str(listener.fileno())], pass_fds=[listener.fileno()]
        ) as process,
    ):
        processors.keep(process.pid, processors.OTHER)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()


class _Connection(asyncio.Protocol):
    """Answers GETs without a body, one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._head.endswith(b"\r\n\r\n"):
            target, self._head = self._head.split(b" ", 2)[1].decode("ascii"), b""
            path, _, query = target.partition("?")
            answer = _page(path, query) if path.startswith("/internal/v1/batches/user/") else _classes(query)
            if USERS[SLOW] in path:
                asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._transport.writelines, answer)
            else:
                self._transport.writelines(answer)


def _page(path: str, query: str) -> list[bytes]:
    asked = parse_qs(query)
    pagination = {"limit": int(asked["limit"][0]), "offset": int(asked["offset"][0]), "total": 1_000_000}
    rows, end = _rows(path.rpartition("/")[2]), f'], "pagination": {json.dumps(pagination)}}}'.encode()
    return [_head(len(rows) + len(end)), rows, end]


def _classes(query: str) -> list[bytes]:
    ids = unquote(query.removeprefix("batch_ids=")).split(",")
    pairs = ", ".join([f'"{one}": {_CLASS}' for one in ids])
    body = f"{{{pairs}}}".encode()
    return [_head(len(body)), body]


def _head(length: int) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nServer: benchmark\r\nDate: Fri, 27 Nov 2026 12:00:00 GMT\r\n"
        b"Content-Type: application/json\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n" % length
    )


@cache
def _rows(user: str) -> bytes:
    """The page of a user up to its last row."""
    essay: dict[str, Any] = {
        "essay_id": str(uuid5(NAMESPACE_URL, "essay")),
        "filename": "uppsats_öhman.docx",
        "file_upload_id": str(uuid5(NAMESPACE_URL, "upload")),
        "spellcheck_status": "completed",
        "spellcheck_correction_count": 7,
        "spellcheck_corrected_text_storage_id": "9ecd25f1ba2052d9a21dfa8f39d92140",
        "spellcheck_error_detail": None,
        "cj_assessment_status": "completed",
        "cj_rank": 1,
        "cj_score": 0.87,
        "cj_assessment_error_detail": None,
        "last_updated": "2026-01-31T09:10:00",
    }
    rows: list[dict[str, Any]] = []
    for number in range(ROWS):
        row = a_batch(number)
        shown = {name: value for name, value in row.items() if name != "internal_status"}
        shown |= {"user_id": user, "overall_status": "completed_successfully", "current_phase": None}
        rows.append(shown | {"essays": [essay] * (ESSAYS if user == USERS[FULL] else 0)})
    return b'{"batches": ' + json.dumps(rows, ensure_ascii=False).encode()[:-1]


async def _serve(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    run = cast("Callable[[object], None]", uvloop.run)  # typed for coroutines of another kind
    run(_serve(socket.socket(fileno=int(sys.argv[1]))))
