"""Rejects cross-origin and DNS-rebinding requests."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Final

_LOOPBACK_NAMES: Final = frozenset({"localhost"})
_READING: Final = frozenset({"GET", "HEAD"})
"""The methods that a link on a foreign page may use: only reading ones, because a form there could POST."""
_ELSEWHERE: Final = "cross-site"
_OWN_SITES: Final = frozenset({"same-origin", "same-site", "none"})
"""Values of `Sec-Fetch-Site` for pages of this machine, and for requests that no page sent."""
_HOST: Final = re.compile(r"(?:(?P<name>[\w.-]+)|\[(?P<six>[\da-f:.]+)\])(?::\d{1,5})?", re.IGNORECASE | re.ASCII)
_ORIGIN: Final = re.compile(rf"https?://{_HOST.pattern}", re.IGNORECASE | re.ASCII)


class Guard:
    """Rejects requests whose `Host` or `Origin` is foreign: those of a foreign page, or of a rebound DNS name.

    Loopback names and addresses are never foreign. Any other IP address cannot be rebound, so it is allowed as a host,
    but not as an origin.

    Args:
        hosts: Other names of this mock, such as that of its container.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)

    def refuses(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is rejected; `None` if it is not."""
        host = headers.get("host")
        if host is not None and not self._is_known(_name(_HOST, host), any_address=True):
            return (
                f"The Host header names {host[:200]!r}, which is not a name of this mock."
                " To allow it, start the mock with --allow-host."
            )
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none").strip().lower()
        is_link = headers.get("sec-fetch-mode", "").strip().lower() == "navigate" and method in _READING
        if origin is None and site not in _OWN_SITES and not (site == _ELSEWHERE and is_link):
            return "Cross-site requests are not allowed here: only pages of this machine may send requests."
        if origin is not None and not self._is_known(_name(_ORIGIN, origin), any_address=False):
            return f"The origin {origin[:200]!r} is not allowed here: only pages of this machine may send requests."
        return None

    def _is_known(self, name: str, *, any_address: bool) -> bool:
        if name in _LOOPBACK_NAMES or name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return any_address or address.is_loopback


def _name(form: re.Pattern[str], sent: str) -> str:
    """The name in a `Host` or an `Origin`; empty for what is neither, such as two of them."""
    found = form.fullmatch(sent)
    return "" if found is None else (found["name"] or found["six"]).lower()
