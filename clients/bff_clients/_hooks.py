"""The two private hooks of aiohttp that this package needs, in one place, and a check that they are there.

An idle connection may have received unrequested bytes; aiohttp reuses it and reads them as the answer to the next
request (https://github.com/aio-libs/aiohttp/issues/13656). And aiohttp itself resends an idempotent request whose
connection was lost. Neither has a public switch. A release that renames a hook would silently disable the guard, so
importing this module fails instead; `pyproject.toml` allows only minor versions that were tested.
"""

import inspect
import select
from typing import Any

import aiohttp


class GuardedConnector(aiohttp.TCPConnector):
    """Reuses an idle connection only if it is still open and has received no bytes since."""

    async def _get(self, key: Any, traces: Any) -> Any:
        while (connection := await super()._get(key, traces)) is not None:
            if _is_clean(connection.protocol):
                return connection
            connection.close()
        return None


def without_retries(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """Keep aiohttp from resending a lost request, which would bypass the retry budget."""
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


def check_hooks(connector: type[aiohttp.BaseConnector], session: type[aiohttp.ClientSession]) -> None:
    """Check that aiohttp still has the hooks.

    Raises:
        ImportError: It has not.
    """
    get = getattr(connector, "_get", None)
    named = list(inspect.signature(get).parameters) if inspect.iscoroutinefunction(get) else []
    if named != ["self", "key", "traces"] or "_retry_connection" not in session.ATTRS:
        message = f"aiohttp {aiohttp.__version__} lacks the hooks that keep one caller's answer from another's"
        raise ImportError(message)


check_hooks(aiohttp.TCPConnector, aiohttp.ClientSession)


def _is_clean(protocol: Any) -> bool:
    if protocol is None or protocol.should_close or protocol.transport is None:
        return False
    sock = protocol.transport.get_extra_info("socket")
    return sock is not None and sock.fileno() >= 0 and not _readable(sock.fileno())


def _readable(descriptor: int) -> bool:
    poll = getattr(
        select, "poll", None
    )  # Windows has no `poll`; its `select` takes any descriptor, unlike that of POSIX
    if poll is None:
        return bool(select.select([descriptor], [], [], 0)[0])
    polling = poll()
    polling.register(descriptor, select.POLLIN)
    return bool(polling.poll(0))
