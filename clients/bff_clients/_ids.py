"""Checks identifiers before anything is sent."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote
from uuid import UUID

from bff_clients.errors import InvalidArgument
from bff_clients.models import UUID_PATTERN, BatchId

_NAME: Final = "user_id"

MAX_USER_ID_BYTES: Final = 2048
"""The longest escaped user id: keeps a request's head well below 8 KB, where common servers and proxies stop."""

_TOO_LONG: Final = f"must not have more than {MAX_USER_ID_BYTES} bytes when it is escaped"
_CANONICAL: Final = re.compile(UUID_PATTERN)
# Narrower than uuid.UUID(), which also takes dashes anywhere, "0x", underscores and other scripts' digits.
_SPELLINGS: Final = re.compile(
    r"(?:urn:uuid:)?(?P<brace>\{)?[0-9a-f]{8}(?P<dash>-?)[0-9a-f]{4}(?P=dash)[0-9a-f]{4}(?P=dash)[0-9a-f]{4}(?P=dash)"
    r"[0-9a-f]{12}(?(brace)\})",
    re.IGNORECASE | re.ASCII,
)


_text: Final = str.__str__
_uuid_text: Final = UUID.__str__
"""What a text or a UUID is, whatever its class makes of `str()` and formats: only this is checked and sent."""


def canonical_uuid(value: object, *, name: str) -> str:
    """Spell a UUID as RAS and CMS do: lower case, with dashes.

    Raises:
        InvalidArgument: It is not a UUID in one of the usual spellings (dashes or none, any case, braces,
            ``urn:uuid:``).
    """
    if isinstance(value, UUID):
        return _uuid_text(value)
    if isinstance(value, str):
        text = _text(value)
        if _CANONICAL.fullmatch(text):
            return text
        if _SPELLINGS.fullmatch(text):
            return str(UUID(text))
    raise InvalidArgument(name, "must be a UUID")


def canonical_batch_id(value: str | UUID) -> BatchId:
    """Spell a batch id as RAS and CMS do.

    Raises:
        InvalidArgument: It is not a UUID.
    """
    return BatchId(canonical_uuid(value, name="batch_id"))


def user_id_text(user_id: str | UUID) -> str:
    """A user id as text.

    Raises:
        InvalidArgument: It is neither a text nor a UUID.
    """
    if isinstance(user_id, str):
        return _text(user_id)
    if isinstance(user_id, UUID):  # pyright: ignore[reportUnnecessaryIsInstance]
        return _uuid_text(user_id)
    del user_id  # a traceback may show this frame's locals
    raise InvalidArgument(_NAME, "must be a text or a UUID")


def user_path_segment(user_id: str) -> str:
    """Escape a user id so that it is exactly one segment of a path.

    Raises:
        InvalidArgument: It is empty, ``.`` or ``..`` (which name another path), holds a slash, a control character or
            half a surrogate pair, or has more than 2048 bytes when it is escaped.
    """
    problem = _problem_with(user_id)
    if problem is None:
        return quote(user_id, safe="")
    del user_id  # a traceback may show this frame's locals
    raise InvalidArgument(_NAME, problem)


def _problem_with(user_id: str) -> str | None:
    if len(user_id) > MAX_USER_ID_BYTES:
        return _TOO_LONG
    # RAS reads an escaped slash as a slash, so none of its users has one.
    if user_id in {"", ".", ".."} or "/" in user_id:
        return "must not be empty, '.' or '..', or hold a slash"
    # A fast check first: none of these is printable, and almost every other character is.
    if not user_id.isprintable() and any(unicodedata.category(character) in {"Cc", "Cs"} for character in user_id):
        return "must not hold control characters or lone surrogates"
    # No character is escaped to more than 12 bytes: most ids need no second escaping.
    is_short = 12 * len(user_id) <= MAX_USER_ID_BYTES
    return None if is_short or len(quote(user_id, safe="")) <= MAX_USER_ID_BYTES else _TOO_LONG
