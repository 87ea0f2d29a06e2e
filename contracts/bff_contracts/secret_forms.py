"""The forms in which a text may contain a secret: plain, escaped, percent-encoded, in Base64, in hexadecimal."""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

LONGEST_FORM: Final = 13
"""The longest usual form of one character, in characters: eight backslashes and `u0041`."""

_SHORTEST_BASE64: Final = 6
"""The fewest characters in Base64 that are searched for: fewer are a part of too many texts."""

_REST_OF_BASE64: Final = r"[A-Za-z0-9+/_=-]*"
_FOR_URLS: Final = str.maketrans("+/", "-_")
_ENTITIES: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
"""Characters that have a name in HTML and XML."""


def secret_patterns(secret: str) -> list[str]:
    """Patterns of the forms of a secret, to be matched in any case.

    JSON that is a text in JSON escapes its escapes: three such levels are recognised. In Base64 what precedes a secret
    decides how its bytes are grouped, so what follows it there is matched as well.
    """
    raw = secret.encode()
    forms = ["".join(map(_character, raw)), raw.hex(), _codes(raw)]
    if not secret.isascii():
        forms.append(re.escape(secret))
    return [*forms, *("".join(map(_in_base64, text)) + _REST_OF_BASE64 for text in _base64_of(raw))]


def plain_forms(secret: str) -> Iterator[str]:
    """The forms without escapes, as texts, which are found faster than patterns."""
    raw = secret.encode()
    yield from (secret, raw.decode("latin-1"), raw.hex(), _codes(raw))
    for text in _base64_of(raw):
        yield from (text, text.translate(_FOR_URLS))


def _character(byte: int) -> str:
    character = chr(byte)
    escape = r"(?:\\|%(?:25)*5c){0,8}" if character in "\"'\\/" else ""
    entity = f"|&{_ENTITIES[character]};" if character in _ENTITIES else ""
    escaped = rf"%(?:25)*{byte:02x}|\\{{1,8}}(?:u00|x){byte:02x}|&#(?:0*{byte}|x0*{byte:x});{entity}"
    return rf"{escape}(?:{re.escape(character)}|{escaped})"


def _codes(raw: bytes) -> str:
    """As Python shows a list of bytes, without its brackets."""
    return ", ".join(map(str, raw))


def _base64_of(secret: bytes) -> Iterator[str]:
    """The parts of a secret in Base64 that do not depend on what precedes it, for each offset within a group."""
    for before in range(3):
        size = before + len(secret)
        text = b64encode(bytes(before) + secret).decode()[(0, 2, 3)[before] : size // 3 * 4 + size % 3]
        if len(text) >= _SHORTEST_BASE64:
            yield text


def _in_base64(character: str) -> str:
    """A character of Base64; also of its alphabet for URLs, percent-encoded, and escaped in JSON."""
    match character:
        case "+":
            return r"(?:[+-]|%2b)"
        case "/":
            return r"(?:\\?/|_|%2f)"
        case _:
            return character
