"""Rejects cross-origin and DNS-rebinding requests."""

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

_LOOPBACK_NAMES = frozenset({"localhost"})
_READING = frozenset({"GET", "HEAD"})
"""What a link on a page elsewhere may do: look. A form there could POST."""


class Guard:
    """Refuses requests whose `Host` or `Origin` is foreign: a page elsewhere, or a name that was rebound to here.

    Loopback names and addresses are never foreign. Any other IP address is no name that could be rebound, so it is
    fine as a host, but not as an origin.

    Args:
        hosts: Names that are not foreign either, such as the one a container is reached by.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def refuses(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is refused; `None` when it is not."""
        host = headers.get("host")
        if host is not None and not self._is_known(_name(f"//{host}"), any_address=True):
            return (
                f"The Host header names {host[:200]!r}, which is foreign here. If the mock is reached by that name on"
                " purpose, start it with --allow-host."
            )
        origin = headers.get("origin")
        if (
            origin is None
            and headers.get("sec-fetch-site") == "cross-site"
            and (headers.get("sec-fetch-mode") != "navigate" or method not in _READING)
        ):
            return "A page from elsewhere may not use this: only pages of this machine may."
        if origin is not None and not self._is_known(_name(origin), any_address=False):
            return f"A page of {origin[:200]!r} may not use this: only pages of this machine may."
        return None

    def _is_known(self, name: str, *, any_address: bool) -> bool:
        if name in _LOOPBACK_NAMES or name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return any_address or address.is_loopback


def _name(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
