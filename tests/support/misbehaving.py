"""A server on a real socket that misbehaves as reported."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from ssl import SSLContext

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def head(status: str = "200 OK", *, content_type: str = "application/json", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def says(answer: bytes) -> Behaviour:
    """Answer with exactly these bytes and close."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


async def resets_in_the_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head(Content_Length="1000") + b'{"batches": [')
    await writer.drain()
    writer.transport.abort()


async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()  # until the caller disconnects


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a byte ten times a second: always something, never an end."""
    writer.write(head(Content_Length="100000"))
    with contextlib.suppress(ConnectionError):
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)


async def floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body without a length and without an end."""
    writer.write(head(Transfer_Encoding="chunked"))
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            await writer.drain()


@contextlib.asynccontextmanager
async def misbehaving_server(behave: Behaviour, *, tls: SSLContext | None = None) -> AsyncGenerator[int]:
    """Serve on a free port of 127.0.0.1 and give the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(b"\r\n\r\n")
                await behave(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
