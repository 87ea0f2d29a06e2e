"""Finds secrets in texts: the values of secret names in the formats that bodies and headers have, and known keys."""

import json
import re
from collections.abc import Collection, Iterator
from functools import partial
from typing import Final
from urllib.parse import unquote_plus

from bff_contracts.secret_forms import LONGEST_FORM, plain_forms, secret_patterns
from bff_mock_server.matching.request import is_secret

HIDDEN: Final = "…"
_SHORTEST_KEY: Final = 4
"""A shorter key is not cut out of texts: it is a part of too many words."""
_LONGEST_FORM: Final = 10
"""The longest escaped form of one character: `\\\\\\\\u0041`."""
_ENTITIES: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
"""Characters that have a name in HTML and XML."""

_VALUE: Final = r"\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|"
_MEMBER: Final = re.compile(r'("((?:[^"\\]|\\.){1,100})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]\[{"]+)')
_INNER_MEMBER: Final = re.compile(
    r'((\\{1,9})"([^"\\]{1,100})\2"\s*:\s*)(\2"(?:(?!\2").)*|[^\s,}\]\[{"\\]+)', re.DOTALL
)
"""A member of JSON that is a text in JSON, its quotes escaped."""
_ENCODED_MEMBER: Final = re.compile(
    r"(%22((?:(?!%22)[^&\s]){1,100})%22(?:%20|\+)*(?:%3A|:)(?:%20|\+)*)(%22(?:(?!%22)[^&\s])*|[^&\s%]+)", re.IGNORECASE
)
"""A member of JSON that is the value of a form's field, percent-encoded."""
_FIELD: Final = re.compile(
    rf"((?:^|[&;?,\s])([^=&;?,\s\"<>]{{1,100}})=)({_VALUE}(?:[^&;\s<>]|;(?![^=&;\s]{{1,100}}=))+)"
)
"""A field of a form, a parameter of an address, an attribute of XML."""
_LINE: Final = re.compile(r"^([ \t-]*([\w.-]{1,100})[ \t]*:[ \t]+)(\S.*)$", re.MULTILINE)
"""A line of YAML, or of headers."""
_ELEMENT: Final = re.compile(
    r"(<(?:[\w.-]{1,60}:)?([\w.-]{1,100})(?:\s[^<>]*)?>)((?:<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<])+)", re.DOTALL
)
_PART: Final = re.compile(
    r"^(content-disposition:[^\r\n]{0,500}?\bname=\"?([^\"\r\n;]{1,100})[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)(.+?)(?=\r?\n--|\Z)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
"""A part of a multipart body."""
_NESTED: Final = re.compile(r'"((?:[^"\\]|\\.){1,100})"\s*:\s*(?=[{\[])')
_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]')

_USERINFO: Final = re.compile(r"(?<=://)[^/?#\s@]{1,500}(?=@)")
_SCHEME: Final = re.compile(
    r"\b(api-?key|basic|bearer|digest|dpop|negotiate|ntlm|sharedkey|token)[ \t]+[^\s,]{6,}", re.IGNORECASE
)
"""Credentials in the form of `Authorization`, in a header with another name."""
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*){0,3}")
_MAY_HOLD: Final = re.compile(r"[:=<\"\s]|eyJ")
"""Each of the forms above contains one of these; most values contain none."""
_MOST_CODINGS: Final = 3


class KnownKeys:
    """Finds keys in each of their forms, in any case.

    Attributes:
        pattern: Matches a key in any form.
        longest: The longest form, in characters.
    """

    def __init__(self, keys: Collection[str]) -> None:
        ordered = sorted(keys, key=len, reverse=True)  # the longest first: one may be a part of another
        self.pattern = re.compile("|".join(form for key in ordered for form in secret_patterns(key)), re.IGNORECASE)
        self.longest = LONGEST_FORM * len(ordered[0])
        self._plain = tuple({text.lower() for key in ordered for text in plain_forms(key)})

    @classmethod
    def of(cls, keys: Collection[str]) -> "KnownKeys | None":
        """Finds these keys; `None` when there is none that is long enough."""
        long = [key for key in keys if len(key) >= _SHORTEST_KEY]
        return cls(long) if long else None

    def are_in(self, text: str) -> bool:
        """Whether a text holds a key; a text without the escapes of JSON and HTML is looked through quickly."""
        for decoded in decodings(text):
            lower = decoded.lower()
            if any(plain in lower for plain in self._plain):
                return True
            is_escaped = "\\" in decoded or ("&" in decoded and ";" in decoded)
            if is_escaped and self.pattern.search(decoded):
                return True
        return False

    def cut_out(self, text: str) -> str:
        """A text without keys."""
        return self.pattern.sub(HIDDEN, text) if self.are_in(text) else text


def decodings(text: str) -> Iterator[str]:
    """A text, and its decodings while it is percent-encoded."""
    yield text
    for _ in range(_MOST_CODINGS):
        if "%" not in text:
            return
        text = unquote_plus(text)
        yield text


def without_secrets(text: str) -> str:
    """The value of a header or a parameter without credentials and the values of secret names."""
    return without_credentials(without_secret_members(text)) if _MAY_HOLD.search(text) else text


def without_secret_members(text: str) -> str:
    """A body without the values of secret names: members, fields, lines, elements, parts; it may be cut off."""
    text = _without_nested(text)
    text = _MEMBER.sub(partial(_hidden, name=2), text)
    text = _INNER_MEMBER.sub(partial(_hidden, name=3), text)
    for found in (_ENCODED_MEMBER, _PART, _ELEMENT, _FIELD, _LINE):
        text = found.sub(partial(_hidden, name=2), text)
    return text


def without_credentials(value: str) -> str:
    """A value without credentials: of an address, of a scheme, tokens."""
    value = _USERINFO.sub(HIDDEN, value)
    value = _SCHEME.sub(rf"\1 {HIDDEN}", value)
    return _JWT.sub(HIDDEN, value)


def _without_nested(text: str) -> str:
    """JSON without the objects and arrays that are values of secret members."""
    kept: list[str] = []
    at = 0
    for member in _NESTED.finditer(text):
        if member.start() >= at and is_secret(_read(member[1])):
            kept += text[at : member.end()], HIDDEN
            at = _end_of_value(text, member.end())
    return "".join([*kept, text[at:]])


def _end_of_value(text: str, start: int) -> int:
    """Where the object or array ends that begins at `start`; the end of the text if that comes first."""
    depth = 0
    for token in _BRACKET.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return len(text)


def _hidden(found: re.Match[str], name: int) -> str:
    return f"{found[1]}{HIDDEN}" if is_secret(_read(found[name])) else found[0]


def _read(name: str) -> str:
    """A name without the escapes of JSON."""
    if "\\" in name:
        try:
            name = json.loads(f'"{name}"')
        except ValueError:
            return name
    return name
