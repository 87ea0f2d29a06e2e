"""Text of a provider, made fit for a terminal."""

import re
from typing import Final

_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves a terminal's cursor, colours it or retitles it, turns the direction of the text, or is no character.

Tabs and line feeds are text.
"""


def plain(text: str) -> str:
    r"""The text with its control characters spelled out, as `\x1b`."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def plain_json(document: str) -> str:
    r"""A JSON document with its control characters escaped in JSON's own way, as `\u001b`."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
