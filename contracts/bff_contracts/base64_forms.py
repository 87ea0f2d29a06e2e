"""Finds a secret inside of Base64, where what precedes it decides how its bytes are grouped."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

_SHORTEST: Final = 6
"""The fewest characters in Base64 that are searched for: fewer are a part of too many texts."""

_REST: Final = r"[A-Za-z0-9+/_=-]*"


def base64_of(secret: bytes) -> Iterator[str]:
    """The parts of a secret in Base64 that do not depend on what precedes it, for each offset within a group."""
    for before in range(3):
        size = before + len(secret)
        text = b64encode(bytes(before) + secret).decode()[(0, 2, 3)[before] : size // 3 * 4 + size % 3]
        if len(text) >= _SHORTEST:
            yield text


def base64_patterns(secret: bytes) -> list[str]:
    """Patterns of the same and what follows; also with the alphabet of URLs, percent-encoded, and escaped in JSON."""
    return ["".join(map(_written, text)) + _REST for text in base64_of(secret)]


def _written(character: str) -> str:
    match character:
        case "+":
            return r"(?:[+-]|%2b)"
        case "/":
            return r"(?:\\?/|_|%2f)"
        case _:
            return character
