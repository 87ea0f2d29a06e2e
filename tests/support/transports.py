"""Clients on the shipped transport and on httpx's own, and servers for them."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from bff_clients._transport import AiohttpTransport
from tests.support.misbehaving import Behaviour, head

Make = Callable[[], httpx.AsyncBaseTransport]


def shipped() -> httpx.AsyncBaseTransport:
    return AiohttpTransport(max_connections=100)


TRANSPORTS = [
    pytest.param(shipped, id="shipped"),
    pytest.param(httpx.AsyncHTTPTransport, id="httpx"),
]
SECRET = "made-up-key-4711"


@contextlib.asynccontextmanager
async def client(make: Make, **timeouts: float | None) -> AsyncGenerator[httpx.AsyncClient]:
    timeout = httpx.Timeout(**{"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0, **timeouts})
    async with httpx.AsyncClient(transport=make(), timeout=timeout, headers={"X-Internal-API-Key": SECRET}) as http:
        yield http


def resets_after(answer: bytes) -> Behaviour:
    """A true reset (RST) once these bytes are out."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return behave


def local(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


@dataclass
class Server:
    """Where it is, and what it saw."""

    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list[bytes])


@contextlib.asynccontextmanager
async def server(
    answer: Callable[[bytes], bytes], *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncGenerator[Server]:
    """Answers every request on a connection, by its head; counts connections and requests."""
    counted = Server()
    open_here: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counted.connections += 1
        open_here.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[16:]) for line in request.split(b"\r\n") if line.startswith(b"Content-Length: ")), 0
                )
                counted.requests.append(request + await reader.readexactly(length))
                writer.write(answer(request))
                await writer.drain()
        writer.close()
        open_here.discard(writer)

    listening = await asyncio.start_server(serve, host, 0, ssl=tls, limit=2**20)
    name = f"[{host}]" if ":" in host else host
    counted.url = f"{'https' if tls else 'http'}://{name}:{listening.sockets[0].getsockname()[1]}"
    try:
        yield counted
    finally:
        listening.close()
        for writer in open_here:
            writer.close()
        while open_here:  # noqa: ASYNC110  # until each connection has noticed
            await asyncio.sleep(0)


def ok(body: bytes, **headers: str) -> bytes:
    return head(Content_Length=str(len(body)), **headers) + body


async def later(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """Write parts apart in time, so that they arrive apart."""
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.05)
