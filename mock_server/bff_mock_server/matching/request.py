"""A request as contracts see it, and which of its values are secret."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_SECRET: Final = re.compile("key|token|secret|passw|auth|cookie|credential|session-id", re.IGNORECASE)
SECRET_HEADERS: Final = {"x-internal-api-key", "authorization", "proxy-authorization", "cookie"}
"""Headers whose values are never kept; those that clients send and that look like one join them when first seen."""


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether what goes by a name is probably nobody else's business."""
    return _SECRET.search(name) is not None


@dataclass(slots=True)
class Asked:
    """A request, as far as contracts are about it.

    Attributes:
        method: In upper case.
        path: Percent-encoded, as it was sent.
        query: Decoded values by name, in the order sent.
        headers: Values by lower-case name.
        query_string: The query as it was sent.
        body: As it was sent.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: dict[str, str]
    query_string: str = ""
    body: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as they were sent."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path
