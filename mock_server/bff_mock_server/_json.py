"""Reads and writes JSON strictly."""

import json


def dumps(value: object) -> str:
    """Compact JSON; Swedish text stays readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def loads(text: str | bytes) -> object:
    """Read JSON of which an answer could be made again: no NaN, no infinity, no half of a character.

    Raises:
        ValueError: It is something else.
    """
    try:
        document: object = json.loads(text)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        message = "it is nested too deeply"
        raise ValueError(message) from error
    return document
