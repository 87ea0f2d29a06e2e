"""Suggests the known name that an unknown one is most like."""

from collections.abc import Iterable


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a message with the known names, the most similar one first."""
    from difflib import get_close_matches  # noqa: PLC0415  # for messages alone

    known = list(known)
    close = get_close_matches(name, known)
    listed = ", ".join(map(repr, known)) or "none"
    return f"did you mean {close[0]!r}? known: {listed}" if close else f"known: {listed}"
