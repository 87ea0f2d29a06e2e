"""Runs several applications in one process on one event loop: sockets, signals and threads."""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import uvicorn

from bff_mock_server.serving.http import MAX_HEAD_BYTES
from bff_mock_server.serving.patience import PatientProtocol
from bff_mock_server.serving.protocol import IDLE_SECONDS, Application, MockProtocol

_GRACE_SECONDS: Final = 2
"""How long answers under way may take to end when the mock is stopped."""

_BACKLOG: Final = 2048
_FILES: Final = 65_536
_SWEEP_SECONDS: Final = 1.0
_START_SECONDS: Final = 10.0
"""How long a server in a thread may take to start; it takes a few hundredths."""


Beside = Callable[[], Coroutine[Any, Any, None]]
"""Work that is done beside serving."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and the socket it is reached at; `close` is called when an ASGI application has to end."""

    app: Any
    socket: socket.socket
    close: Callable[[], None] | None = None

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


def run(
    listeners: Sequence[Listener],
    *,
    on_ready: Callable[[], None],
    beside: Sequence[Beside] = (),
    at_end: Sequence[Beside] = (),
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        listeners: What is served.
        on_ready: Is called once every listener accepts requests.
        beside: Run for as long as that, and are cancelled then.
        at_end: Run after the last answer.
    """
    _allow_many_connections()

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await _serve(listeners, on_ready, stop, beside, at_end)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())


@contextlib.contextmanager
def running(
    listeners: Sequence[Listener], *, beside: Sequence[Beside] = (), at_end: Sequence[Beside] = ()
) -> Generator[None]:
    """Serve in a thread of its own for as long as the context lasts.

    Raises:
        RuntimeError: The server did not start.
    """
    ready = threading.Event()
    failure: list[BaseException] = []
    handles: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        handles.append((asyncio.get_running_loop(), stop))
        await _serve(listeners, ready.set, stop, beside, at_end)

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(main())
        except BaseException as error:  # noqa: BLE001  # the starting thread raises it
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="bff-mock-server", daemon=True)
    thread.start()
    if not ready.wait(_START_SECONDS) or failure:
        message = "the mock server did not start"
        raise RuntimeError(message) from next(iter(failure), None)
    try:
        yield
    finally:
        loop, stop = handles[0]
        with contextlib.suppress(RuntimeError):  # the loop is closed when the server has ended by itself
            loop.call_soon_threadsafe(stop.set)
        thread.join()


def _allow_many_connections() -> None:
    """Take as many file descriptors as this user may have: each connection needs one."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:  # there is none for Windows, and no such limit either
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(
    listeners: Sequence[Listener],
    on_ready: Callable[[], None],
    stop: asyncio.Event,
    beside: Sequence[Beside],
    at_end: Sequence[Beside],
) -> None:
    servers = [_MockServer(one) if isinstance(one.app, Application) else _AsgiServer(one) for one in listeners]
    async with asyncio.TaskGroup() as tasks:
        for server in servers:
            tasks.create_task(server.serve())
        for server in servers:
            await server.ready.wait()
        others = [tasks.create_task(work()) for work in beside]
        on_ready()
        await stop.wait()
        for task in others:
            task.cancel()
        for server in servers:
            server.stop()
    for finish in at_end:
        await finish()


class _MockServer:
    """Serves what answers requests itself: the mocked backends, and the proxies."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._connections: set[MockProtocol] = set()
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()

    async def serve(self) -> None:
        """Serve until `stop`; then wait a moment for the answers that the application works on."""
        loop = asyncio.get_running_loop()
        make = partial(MockProtocol, self._listener.app, self._connections)
        server = await loop.create_server(make, sock=self._listener.socket, backlog=_BACKLOG)
        self.ready.set()
        sweeping = loop.create_task(self._sweep())
        await self._stop.wait()
        sweeping.cancel()
        server.close()
        for connection in list(self._connections):
            connection.shut_down()
        if self._connections:
            await asyncio.wait([connection.closed for connection in self._connections], timeout=_GRACE_SECONDS)
        for connection in list(self._connections):
            connection.abort()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    async def _sweep(self) -> None:
        """End connections whose clients have been slow or silent for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for connection in list(self._connections):
                connection.sweep(loop.time())


class _AsgiServer(uvicorn.Server):
    """Serves an ASGI application by uvicorn, and leaves signals to the caller, which runs several servers."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(
            uvicorn.Config(
                listener.app,
                http=PatientProtocol,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=logging.WARNING,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=int(IDLE_SECONDS),
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._listener = listener
        self.ready = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `stop`."""
        await super().serve(sockets=sockets or [self._listener.socket])

    def stop(self) -> None:
        """End soon."""
        if self._listener.close is not None:
            self._listener.close()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say that it has."""
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        # There is none for Windows; the standard loop serves the same, more slowly.
        return None
    return uvloop.new_event_loop
