"""Several backends in one process, on one event loop: sockets and signals, and nothing else."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final

import uvicorn

from bff_mock_server.asgi import BackendApp

_GRACE_SECONDS: Final = 2
"""How long answers under way may take to end when the mock is stopped."""

_BACKLOG: Final = 2048


@dataclass(frozen=True, slots=True)
class Listener:
    """A backend and the socket it is reached at."""

    app: BackendApp
    socket: socket.socket

    @property
    def port(self) -> int:
        """The real port, also when any free one was asked for."""
        return int(self.socket.getsockname()[1])


def bind(host: str, port: int) -> socket.socket:
    """Take a port before anything is served, so that a port in use is known at once.

    Raises:
        OSError: The port is in use, not allowed, or the host is not an address of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Without listening, two processes could both bind the same port here.
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)  # noqa: FBT003
    return bound


def run(listeners: Sequence[Listener], *, on_ready: Callable[[], None], access_log: bool = False) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called once every listener accepts requests."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(listeners, on_ready, access_log=access_log))


async def _serve(listeners: Sequence[Listener], on_ready: Callable[[], None], *, access_log: bool) -> None:
    servers = [_Server(_config(listener, access_log=access_log)) for listener in listeners]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as tasks:
        for server, listener in zip(servers, listeners, strict=True):
            tasks.create_task(server.serve(sockets=[listener.socket]))
        for server in servers:
            await server.ready.wait()
        on_ready()


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is ready, and leaves signals to whoever runs several."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _config(listener: Listener, *, access_log: bool) -> uvicorn.Config:
    return uvicorn.Config(
        listener.app,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.INFO if access_log else logging.WARNING,
        access_log=access_log,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        # There is none for Windows; the standard loop serves the same, more slowly.
        return None
    return uvloop.new_event_loop
