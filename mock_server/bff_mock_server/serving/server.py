"""Runs several applications in one process on one event loop: sockets, signals and threads."""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bff_mock_server.serving.protocol import Application, MockProtocol

if TYPE_CHECKING:
    from bff_mock_server.serving.asgi import AsgiServer

if find_spec("uvicorn") is None:  # it is loaded later
    raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")

_LOG: Final = logging.getLogger("bff_mock_server")
_GRACE_SECONDS: Final = 2
"""How long responses under way may take to end when the mock is stopped."""

_BACKLOG: Final = 2048
_FILES: Final = 65_536
_SWEEP_SECONDS: Final = 1.0
_START_SECONDS: Final = 10.0
"""How long a server in a thread may take to start; it takes some 0.02 s."""


Beside = Callable[[], Coroutine[Any, Any, None]]
"""A task that runs beside the server."""


class Listener(NamedTuple):
    """An application and the socket it is reached at; `close` is called when an ASGI application has to end."""

    app: Any
    socket: socket.socket
    close: Callable[[], None] | None = None

    @property
    def port(self) -> int:
        """The real port, also if the requested one is 0."""
        return int(self.socket.getsockname()[1])


def bind(host: str, port: int) -> socket.socket:
    """Bind a port before anything is served, so that a port in use is reported at once.

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
        listeners: The applications and their sockets.
        on_ready: Called when every listener accepts requests.
        beside: Tasks that run meanwhile, and are cancelled at the end.
        at_end: Runs after the last response.
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
    """Serve in a separate thread while the context is open.

    Raises:
        RuntimeError: The server did not start, or it stopped because of an error before the context ended.
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
            if ready.is_set():
                _LOG.error("the mock server stopped", exc_info=error)  # every later request fails to connect
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
        with contextlib.suppress(RuntimeError):  # the loop is closed if the server has ended already
            loop.call_soon_threadsafe(stop.set)
        thread.join()
    if failure:
        message = "the mock server stopped because of an error"
        raise RuntimeError(message) from failure[0]


def _allow_many_connections() -> None:
    """Raise the limit of file descriptors to the highest allowed one: each connection needs one."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:  # not available on Windows, which has no such limit
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
    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        for server in servers:
            tasks.create_task(server.serve())
        for server in servers:
            await server.ready.wait()
        try:
            await _run_beside(beside, on_ready, stop)
        except Exception as error:  # noqa: BLE001  # raised below: uvloop cannot be closed after uvicorn was cancelled
            failure = error
        for server in servers:
            server.stop()
    if failure is not None:
        raise failure
    for finish in at_end:
        await finish()


async def _run_beside(beside: Sequence[Beside], on_ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run the work beside serving until it fails or everything is to stop."""
    async with asyncio.TaskGroup() as tasks:
        others = [tasks.create_task(work()) for work in beside]
        on_ready()
        await stop.wait()
        for task in others:
            task.cancel()


class _MockServer:
    """Serves the applications that need no ASGI server: the mocked backends, and the proxies."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._connections: set[MockProtocol] = set()
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()

    async def serve(self) -> None:
        """Serve until `stop`; then wait a moment for the responses that the application works on."""
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
        """Close connections whose clients are too slow or idle for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for connection in list(self._connections):
                connection.sweep(loop.time())


class _AsgiServer:
    """Serves an ASGI application with uvicorn, which is loaded for the first connection.

    Most mocks are never asked for their control page.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._server: AsgiServer | None = None
        self._is_stopped = False
        self._wake = asyncio.Event()
        self.ready = asyncio.Event()
        self.ready.set()  # connections to the bound socket wait until it is served

    async def serve(self) -> None:
        """Serve until `stop`."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._listener.socket, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            loop.remove_reader(self._listener.socket)
        asgi = None if self._is_stopped else await asyncio.to_thread(import_module, "bff_mock_server.serving.asgi")
        if asgi is None or self._is_stopped:
            self._listener.socket.close()
            return
        server: AsgiServer = asgi.AsgiServer(self._listener.app, backlog=_BACKLOG, grace=_GRACE_SECONDS)
        self._server = server
        await server.serve([self._listener.socket])

    def stop(self) -> None:
        """End soon."""
        self._is_stopped = True
        self._wake.set()
        if self._listener.close is not None:
            self._listener.close()
        if self._server is not None:
            self._server.should_exit = True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        # uvloop does not exist for Windows; the standard loop works, more slowly.
        return None
    return uvloop.new_event_loop
