"""Identifiers on their way into a request: checked before anything is sent."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote
from uuid import UUID

from bff_clients.models import UUID_PATTERN, BatchId

MAX_USER_ID_BYTES: Final = 2048
"""Of an escaped user id: with it a request's head is well below the 8 KB that common servers and proxies stop at."""

_TOO_LONG: Final = f"user_id must not have more than {MAX_USER_ID_BYTES} bytes when it is escaped"
_CANONICAL: Final = re.compile(UUID_PATTERN)
# Narrower than uuid.UUID(), which also takes dashes anywhere, "0x", underscores and other scripts' digits.
_SPELLINGS: Final = re.compile(
    r"(?:urn:uuid:)?(?P<brace>\{)?[0-9a-f]{8}(?P<dash>-?)[0-9a-f]{4}(?P=dash)[0-9a-f]{4}(?P=dash)[0-9a-f]{4}(?P=dash)"
    r"[0-9a-f]{12}(?(brace)\})",
    re.IGNORECASE | re.ASCII,
)


def canonical_uuid(value: str, *, name: str) -> str:
    """Spell a UUID as RAS and CMS do: lower case, with dashes.

    Raises:
        ValueError: It is not a UUID in one of the usual spellings (dashes or none, any case, braces, ``urn:uuid:``).
    """
    if _CANONICAL.fullmatch(value):
        return value
    if not _SPELLINGS.fullmatch(value):
        message = f"{name} must be a UUID, got {value[:80]!r}"
        raise ValueError(message)
    return str(UUID(value))


def canonical_batch_id(value: str) -> BatchId:
    """Spell a batch id as RAS and CMS do.

    Raises:
        ValueError: It is not a UUID; the message names it.
    """
    return BatchId(canonical_uuid(value, name="batch_id"))


def user_path_segment(user_id: str) -> str:
    """Escape a user id so that it is exactly one segment of a path.

    Raises:
        ValueError: It is empty, ``.`` or ``..`` (which name another path), holds a slash, a control character or half
            a surrogate pair, or has more than 2048 bytes when it is escaped.
    """
    if len(user_id) > MAX_USER_ID_BYTES:
        raise ValueError(_TOO_LONG)
    # RAS takes an escaped slash for a slash: no user of it has one.
    if user_id in {"", ".", ".."} or "/" in user_id:
        message = f"user_id must not be empty, '.' or '..', or hold a slash, got {user_id[:80]!r}"
        raise ValueError(message)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in user_id):
        message = f"user_id must not hold control characters or lone surrogates, got {user_id[:80]!r}"
        raise ValueError(message)
    segment = quote(user_id, safe="")
    if len(segment) > MAX_USER_ID_BYTES:
        raise ValueError(_TOO_LONG)
    return segment
