"""Reading and writing JSON strictly, and names that were probably meant."""

import json
from collections.abc import Iterable
from difflib import get_close_matches


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


def meant(name: str, known: Iterable[str]) -> str:
    """The known names as a message ends with them, the one that was probably meant first."""
    known = list(known)
    close = get_close_matches(name, known)
    listed = ", ".join(map(repr, known)) or "none"
    return f"did you mean {close[0]!r}? known: {listed}" if close else f"known: {listed}"
