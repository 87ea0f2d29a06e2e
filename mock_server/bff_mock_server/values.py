"""JSON values: telling them apart in a way that type checkers follow, and writing them; and names that were meant."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def dumps(value: object) -> str:
    """Compact JSON; Swedish text stays readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def meant(name: str, known: Iterable[str]) -> str:
    """The known names as a message ends with them, the one that was probably meant first."""
    known = list(known)
    close = get_close_matches(name, known, n=1)
    listed = ", ".join(map(repr, known)) or "none"
    return f"did you mean {close[0]!r}? known: {listed}" if close else f"known: {listed}"
