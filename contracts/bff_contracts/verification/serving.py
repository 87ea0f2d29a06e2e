"""Serves an ASGI application on a free port of 127.0.0.1, on the event loop of a given thread."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from typing import Any, Final

import uvicorn

_GRACE_SECONDS: Final = 1
"""How long requests under way may take to end at shutdown, when each interaction has its response already."""


class NotStartedError(Exception):
    """The application reported in its lifespan that it cannot start."""


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[str]:
    """Serve an application, its lifespan included, for as long as the context lasts.

    Yields:
        Its URL.

    Raises:
        NotStartedError: It did not start.
    """
    config = uvicorn.Config(
        app,
        loop="none",
        interface="asgi3",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # asyncio sends without delay only on sockets that say TCP by name; with it each response would take 40 ms longer.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.bind(("127.0.0.1", 0))
        try:
            await server.startup(sockets=[bound])
        except SystemExit as error:
            raise NotStartedError from error
        if server.should_exit:  # what older releases do instead
            raise NotStartedError
        task = asyncio.create_task(_serve(server, bound))
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def _serve(server: uvicorn.Server, bound: socket.socket) -> None:
    """Serve until the end; connections are closed also when the event loop ends with the context still open."""
    try:
        await server.main_loop()
    finally:
        await server.shutdown(sockets=[bound])
