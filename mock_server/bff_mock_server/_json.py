"""Reads and writes JSON strictly."""

import json
from collections.abc import Callable
from typing import Any, Final

dumps: Final[Callable[[object], str]] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes compact JSON; Swedish text stays readable. (`json.dumps` makes such an encoder for each value.)"""


def json_or_none(text: bytes) -> Any:
    """The JSON document in a text; `None` if the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def loads(text: str | bytes) -> object:
    """Read JSON that can be written back: no NaN, no infinity, no lone surrogate.

    Raises:
        ValueError: It is not such JSON.
    """
    try:
        document: object = json.loads(text)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        message = "it is nested too deeply"
        raise ValueError(message) from error
    return document
