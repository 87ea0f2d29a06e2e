"""Suggests the known name that an unknown one is most like."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a message with the known names, the most similar one first."""
    known = list(known)
    close = get_close_matches(name, known)
    listed = ", ".join(map(repr, known)) or "none"
    return f"did you mean {close[0]!r}? known: {listed}" if close else f"known: {listed}"
