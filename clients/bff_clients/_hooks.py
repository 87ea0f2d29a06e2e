"""The private hooks of aiohttp that this package needs, in one place, and a check that they are there.

An idle connection may have received unrequested bytes; aiohttp reuses it and reads them as the response to the next
request (https://github.com/aio-libs/aiohttp/issues/13656). It stores every response that has arrived, 1xx ones
included, however many there are: an endless series of them stalls uvloop for seconds. And aiohttp itself resends an
idempotent request whose connection was lost. None of these has a public switch. A release that renames a hook would
silently disable the guard, so importing this module fails instead; `pyproject.toml` allows only minor versions that
were tested.
"""

import inspect
import select
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

_MOST_HEADS: Final = 16
"""Heads that may arrive for one request: that of the response, and those of 1xx responses before it."""


class GuardedConnector(aiohttp.TCPConnector):
    """Bounds what a connection may receive for a request, and reuses only one that has received nothing since."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]
        self._factory: Any = partial(_BoundedProtocol, loop=self._loop)

    async def _get(self, key: Any, traces: Any) -> Any:
        while (connection := await super()._get(key, traces)) is not None:
            if _is_clean(connection.protocol):
                return connection
            connection.close()
        return None


class _BoundedProtocol(ResponseHandler):
    """Closes the connection when more heads arrive than one request can have."""

    _heads = 0

    def set_response_params(self, **params: Any) -> None:
        """Begin to read the response to a request."""
        self._heads = 0
        super().set_response_params(**params)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take the head of a response."""
        self._heads += 1
        if self._heads <= _MOST_HEADS:
            super().feed_data(data, size)
        elif self._heads == _MOST_HEADS + 1 and self.transport is not None:
            self.transport.abort()
            self.set_exception(HttpProcessingError(message="too many responses"))


def without_retries(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Keep aiohttp from resending a lost request, which would bypass the retry budget."""
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


def check_hooks(
    connector: type[aiohttp.BaseConnector], session: type[aiohttp.ClientSession], protocol: type[ResponseHandler]
) -> None:
    """Check that aiohttp still has the hooks.

    Raises:
        ImportError: It has not.
    """
    get = getattr(connector, "_get", None)
    named = list(inspect.signature(get).parameters) if inspect.iscoroutinefunction(get) else []
    has_hooks = (
        named == ["self", "key", "traces"]
        and "_retry_connection" in session.ATTRS
        and "_factory" in aiohttp.BaseConnector.__init__.__code__.co_names
        and "feed_data" in protocol.data_received.__code__.co_names
        and hasattr(protocol, "set_response_params")
    )
    if not has_hooks:
        message = f"aiohttp {aiohttp.__version__} lacks the hooks that keep one caller's response from another's"
        raise ImportError(message)


check_hooks(aiohttp.TCPConnector, aiohttp.ClientSession, ResponseHandler)


def _is_clean(protocol: Any) -> bool:
    if protocol is None or protocol.should_close or protocol.transport is None:
        return False
    sock = protocol.transport.get_extra_info("socket")
    return sock is not None and sock.fileno() >= 0 and not _readable(sock.fileno())


def _readable(descriptor: int) -> bool:
    poll = getattr(select, "poll", None)
    if poll is None:  # on Windows, whose `select` takes any descriptor, unlike that of POSIX
        return bool(select.select([descriptor], [], [], 0)[0])
    polling = poll()
    polling.register(descriptor, select.POLLIN)
    return bool(polling.poll(0))
