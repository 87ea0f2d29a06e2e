"""Finds the endpoints that a path can belong to, without trying every pattern."""

import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Final, Generic, Protocol, TypeVar

from bff_contracts.pact.text_rules import Check

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_~-")
_OPTIONAL: Final = frozenset("?*{")
_OTHER_MEANING: Final = re.IGNORECASE | re.VERBOSE
_REMEMBERED: Final = 4096
"""The most paths that are cached: a test run or a dashboard requests the same ones repeatedly."""
_REMEMBERED_LENGTH: Final = 200


class HasPath(Protocol):
    """What a `PathIndex` holds."""

    @property
    def path(self) -> Check:
        """Decides about a percent-encoded path."""
        ...


T = TypeVar("T", bound=HasPath)


class PathIndex(Generic[T]):
    """Items by the paths that they match, literal paths before patterns.

    Patterns differ in the plain text that they begin and end with (`/batches/`…`/status`), so that a contract
    with hundreds of them costs a request no more than one with two.
    """

    def __init__(self, things: Iterable[T]) -> None:
        things = tuple(things)
        patterns = [thing for thing in things if not thing.path.is_literal]
        spelled_out = [thing for thing in things if thing.path.is_literal]
        self._literal: Mapping[str, tuple[T, ...]] = {
            path: tuple(thing for thing in (*spelled_out, *patterns) if thing.path.accepts(path))
            for path in {thing.path.expected for thing in spelled_out}
        }
        self.remembered = dict(self._literal)
        self._anchored: dict[tuple[int, int], dict[tuple[str, str], list[tuple[int, T]]]] = {}
        for at, thing in enumerate(patterns):
            begin, end = anchors(thing.path)
            same_lengths = self._anchored.setdefault((len(begin), len(end)), {})
            same_lengths.setdefault((begin, end), []).append((at, thing))

    def at(self, path: str) -> tuple[T, ...]:
        """The items that match a percent-encoded path, in the order of the file."""
        found = self.remembered.get(path)
        if found is None:
            found = self._search(path)
            if len(path) <= _REMEMBERED_LENGTH:
                if len(self.remembered) >= _REMEMBERED:
                    self.remembered = dict(self._literal)
                self.remembered[path] = found
        return found

    def _search(self, path: str) -> tuple[T, ...]:
        size = len(path)
        hits = [
            hit
            for (begin, end), things in self._anchored.items()
            for hit in things.get((path[:begin], path[size - end :]), ())
            if hit[1].path.accepts(path)
        ]
        if len(hits) > 1:
            hits.sort(key=itemgetter(0))
        return tuple([thing for _, thing in hits])


def anchors(check: Check) -> tuple[str, str]:
    """The plain text that every value which the check accepts begins and ends with; empty where there is none."""
    if check.pattern is None:
        return "", ""
    pattern = check.pattern
    compiled = re.compile(pattern)
    if compiled.flags & _OTHER_MEANING or "|" in _top_level(pattern):
        return "", ""
    body = pattern.removeprefix("^")
    begin = 0
    while begin < len(body) and body[begin] in _PLAIN:
        begin += 1
    if body[begin : begin + 1] in _OPTIONAL:
        begin -= 1
    body = body.removesuffix("$")
    end = len(body)
    while end > 0 and body[end - 1] in _PLAIN:
        end -= 1
    if body[end - 1 : end] == "\\":
        # \d or \x2f: the character after the backslash is not literal.
        end = len(body)
    return body[: max(begin, 0)], body[end:]


def _top_level(pattern: str) -> str:
    """The pattern without the contents of groups and character classes."""
    kept: list[str] = []
    depth, escaped = 0, False
    class_members: int | None = None
    for character in pattern:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif class_members is not None:
            # A bracket that comes first is a member and does not close the class.
            closes = character == "]" and class_members > 0
            class_members = None if closes else class_members + (character != "^")
        elif character == "[":
            class_members = 0
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth == 0:
            kept.append(character)
    return "".join(kept)
