"""The private hooks of aiohttp that the transport uses: each one that is missing fails the import."""

from typing import Any

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler

from bff_clients._hooks import check_hooks


def test_the_hooks_of_aiohttp_are_there() -> None:
    check_hooks(aiohttp.TCPConnector, aiohttp.ClientSession, ResponseHandler)


class Nameless:
    """A connector whose `_get` has another name."""


class Reordered(aiohttp.TCPConnector):
    async def _get(self, traces: Any, key: Any) -> Any:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take other arguments."""


class Synchronous(aiohttp.TCPConnector):
    def _get(self, key: Any, traces: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return at once."""


class Unnamed:
    ATTRS: frozenset[str] = frozenset()


class Otherwise(ResponseHandler):
    def data_received(self, data: bytes) -> None:
        """Store answers by a method of another name."""


@pytest.mark.parametrize(
    ("connector", "session", "protocol"),
    [
        pytest.param(Nameless, aiohttp.ClientSession, ResponseHandler, id="get"),
        pytest.param(Reordered, aiohttp.ClientSession, ResponseHandler, id="arguments-of-get"),
        pytest.param(Synchronous, aiohttp.ClientSession, ResponseHandler, id="get-is-no-coroutine"),
        pytest.param(aiohttp.TCPConnector, Unnamed, ResponseHandler, id="retry"),
        pytest.param(aiohttp.TCPConnector, aiohttp.ClientSession, Otherwise, id="heads"),
    ],
)
def test_a_hook_that_is_gone_fails_the_import(connector: Any, session: Any, protocol: Any) -> None:
    with pytest.raises(ImportError, match="aiohttp"):
        check_hooks(connector, session, protocol)
