"""Keeps the requests of a verification, the kit's and the engine's, away from a proxy of the environment."""

import contextlib
import os
import ssl
import threading
from collections.abc import Generator
from typing import Final

import httpx

_VARIABLES: Final = ("NO_PROXY", "no_proxy")
"""Both spellings: the engine reads one, other programs read the other."""

_changing: Final = threading.Lock()
_before: Final[dict[str, str | None]] = {}
_runs = 0


@contextlib.contextmanager
def without_proxy() -> Generator[None]:
    """Ask 127.0.0.1 directly, without the proxies of the environment, for as long as the context lasts.

    The environment is the whole process's, so both variables keep what either of them had, and the last context to end
    restores them.
    """
    global _runs  # noqa: PLW0603  # contexts may overlap: an abandoned run ends later than the next one begins
    with _changing:
        if _runs == 0:
            _before.update({name: os.environ.get(name) for name in _VARIABLES})
            known = [value for value in _before.values() if value]
            merged = ",".join(dict.fromkeys(["127.0.0.1", *known]))
            os.environ.update(dict.fromkeys(_VARIABLES, merged))
        _runs += 1
    try:
        yield
    finally:
        with _changing:
            _runs -= 1
            if _runs == 0:
                _restore()


def direct_transport() -> httpx.AsyncHTTPTransport:
    """A transport with the environment's certificates and without its proxies.

    It keeps no connection, because some providers serve one at a time.
    """
    return httpx.AsyncHTTPTransport(
        verify=ssl.create_default_context(), trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
    )


def _restore() -> None:
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
