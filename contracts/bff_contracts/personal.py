"""Finds names of persons in JSON, and replaces them in texts that are shown."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from bff_contracts.pact.json_path import is_array, is_object

NAME_MEMBERS: Final = ("first_name", "last_name", "legal_full_name", "student_person_name")
"""The members of responses whose values, and all that is below them, are the name of a person."""

_MEMBER: Final = re.compile(
    rf'"(?:{"|".join(NAME_MEMBERS)})' + r'\\*"\s*:\s*\\*"((?:[^"\\]|\\+"(?!\s*[,:}\]])|\\+[^"\\])*)'
)
"""A member with its text, in JSON or in JSON that is quoted in JSON."""
_ESCAPE: Final = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|(.))")


def names_in(value: object) -> frozenset[str]:
    """The names in a JSON value at any depth, and in texts that quote JSON, whole or in part.

    A name is found only as the value of a member in `NAME_MEMBERS`.
    """
    return frozenset(name for name in _names(value, is_name=False) if name.strip())


def without_names(text: str, names: Iterable[str], hidden: str) -> str:
    """A text in which each of these names, plain or escaped as in JSON, is replaced by `hidden`."""
    spelled = {form for name in names for form in _spellings(name)}
    if not spelled:
        return text
    # The longest first: one may be a part of another. A short one may also be a part of many words.
    ordered = "|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{ordered})(?!\w)", lambda _: hidden, text)


def renamed(value: Any, rename: Callable[[str], str]) -> Any:
    """A JSON value with each name replaced by what `rename` returns for it; an empty one stays empty."""
    return _renamed(value, rename, is_name=False)


def _renamed(value: Any, rename: Callable[[str], str], *, is_name: bool) -> Any:
    if is_object(value):
        return {
            member: _renamed(inner, rename, is_name=is_name or member in NAME_MEMBERS)
            for member, inner in value.items()
        }
    if is_array(value):
        return [_renamed(inner, rename, is_name=is_name) for inner in value]
    return rename(value) if is_name and isinstance(value, str) and value else value


def _names(value: object, *, is_name: bool) -> Iterator[str]:
    if is_object(value):
        for member, inner in value.items():
            yield from _names(inner, is_name=is_name or member in NAME_MEMBERS)
    elif is_array(value):
        for inner in value:
            yield from _names(inner, is_name=is_name)
    elif isinstance(value, str):
        if is_name:
            yield value
        yield from _quoted(value)


def _quoted(text: str) -> Iterator[str]:
    if text[:1] in {"{", "["}:
        with suppress(ValueError, RecursionError):  # JSON that breaks off is searched as text below
            yield from _names(json.loads(text), is_name=False)
            return
    for found in _MEMBER.finditer(text):
        unescaped = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else escape[2], found[1])
        yield unescaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # an emoji is two escapes


def _spellings(name: str) -> Iterator[str]:
    yield name
    for only_ascii in (False, True):
        once = json.dumps(name, ensure_ascii=only_ascii)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=False)[1:-1]
