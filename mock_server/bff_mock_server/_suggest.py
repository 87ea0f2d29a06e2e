"""Names the known name that an unknown one was probably meant as."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, known: Iterable[str]) -> str:
    """The known names as a message ends with them, the one that was probably meant first."""
    known = list(known)
    close = get_close_matches(name, known)
    listed = ", ".join(map(repr, known)) or "none"
    return f"did you mean {close[0]!r}? known: {listed}" if close else f"known: {listed}"
