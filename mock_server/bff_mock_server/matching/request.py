"""The parts of a request that contracts define, and which of its values are secret."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Final
from urllib.parse import unquote_plus

from bff_contracts.personal import NAME_MEMBERS

_SECRET: Final = re.compile(
    "key|token|secret|passw|passphrase|pwd|auth|cookie|credential|session-?_?id|jwt|bearer|signature|saml|assertion|[cx]srf"
    "|personnummer|e-?mail|^x-amz-security"
    "|(?:^|[-_])(?:dpop|hmac|nonce|otp|pin|pw|sas|sid|sig|ssn|totp)(?:$|[-_])"
    "|^(?:x-)?(?:code|mac|magic|pass|session|sign|ticket)$"
    f"|^(?:{'|'.join(NAME_MEMBERS)})$",
    re.IGNORECASE,
)
"""Parts of names, and whole ones, whose values are secrets or name a person; `docs/security.md` lists them."""


class RepeatedHeaders(dict[str, str]):
    """Headers, some of them on several lines: the values joined by commas, and the lines as well."""

    def __init__(self, joined: Mapping[str, str], lines: Sequence[tuple[str, str]]) -> None:
        super().__init__(joined)
        self.lines = tuple(lines)


def lines_of(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Names and values, line by line, as they were sent."""
    return headers.lines if isinstance(headers, RepeatedHeaders) else tuple(headers.items())


Surroundings = tuple[bytes, bytes]
"""The bytes of a head between its target and its correlation id, and those after that; none after it without an id."""


@dataclass(slots=True)
class Asked:
    """A request, with the parts that contracts define.

    Attributes:
        method: In upper case.
        path: Percent-encoded, as it was sent.
        query: Decoded values by name, in the order sent.
        headers: Values by lower-case name.
        query_string: The query as it was sent.
        body: As it was sent.
        surroundings: The bytes around target and correlation id, if the connection has sent the same before; else
        `None`.
        began: When it was complete, by `time.perf_counter`.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    query_string: str = ""
    body: bytes = b""
    surroundings: Surroundings | None = None
    began: float = field(default_factory=perf_counter, compare=False)

    @property
    def target(self) -> str:
        """Path and query as they were sent."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether the value of a header or parameter of this name, percent-encoded or not, is never shown."""
    return _SECRET.search(unquote_plus(name) if "%" in name else name) is not None


@lru_cache(maxsize=256)
def secret_among(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names whose values are secret; cached, because clients send few different sets of names."""
    return tuple(filter(is_secret, names))
