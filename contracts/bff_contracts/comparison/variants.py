"""Makes the documents that a comparison tries: variants of two examples, each changed in one place."""

import copy
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rstr

from bff_contracts.pact.file import Rule
from bff_contracts.pact.json_path import is_array, is_object, steps_of

WHOLE: Final = ""
"""The place of an example that is not changed at all."""

_SEED: Final = 4711
_SAMPLES: Final = 60
"""Strings made for each regular expression that differs, beside all words of one that is a choice of words."""

_ITEMS: Final = 3
"""Items of a list that are tried for all of them, where a rule is about each."""

_CHOICE: Final = re.compile(r"\^\(\?:([\w|]+)\)\$|\^\(([\w|]+)\)\$")
_NESTED: Final = re.compile(r"[*+}]\)*\)[*+{]")
"""Repetitions of repetitions: strings for them have no bound."""

_WILD: Final = "*"
_BODY: Final = "body"

Path = tuple[str | int, ...]
Side = tuple[Any, Mapping[str, Rule]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document to be judged by both sides.

    Attributes:
        place: What distinguishes it from the example, for grouping; `WHOLE` for the example itself.
        label: The same, in words.
        document: The document.
        path: The place that was changed.
    """

    place: str
    label: str
    document: Any
    path: Path

    def concerns(self, steps: Sequence[str]) -> bool:
        """Whether an objection at this place can be about the change: it is above, at or below it."""
        # Only the steps that both have are compared.
        return all(str(ours) == theirs for ours, theirs in zip(self.path, steps, strict=False))

    def is_below(self, steps: Sequence[str]) -> bool:
        """Whether the change is at a place, which may hold `*`, or below it."""
        return bool(self.path) and covers(steps, self.path)


def candidates(old: Side, new: Side) -> Iterator[Candidate]:
    """Both examples, and variants of them in each place where examples or rules differ."""
    places = _differing(old, new)
    hints = _hints(old[1], new[1])
    for (example, _), name in ((old, "the old example"), (new, "the new example")):
        yield Candidate(WHOLE, name, example, ())
        for path in _places(example):
            if any(covers(place, path) and _is_tried(place, path) for place in places):
                yield from _variants(example, path, _hint(path, hints))


def _variants(example: Any, path: Path, hints: Sequence[Any]) -> Iterator[Candidate]:
    spelled = _spelled(path)
    for value in _values(path, _at(example, path), hints):
        label = f"{spelled} = {json.dumps(value, ensure_ascii=False)}"
        yield Candidate(spelled, label, _with(example, path, value), path)
    if path[0] == _BODY and isinstance(path[-1], str):
        yield Candidate(f"{spelled} missing", f"no {spelled}", _without(example, path), path)


def normal(rule: Rule) -> object:
    """A rule in a normal form: rules of the same meaning are equal."""
    matchers = [dict(matcher) for matcher in rule.matchers]
    for matcher in matchers:
        words = _words(str(matcher.get("regex", "")))
        if words:
            matcher["regex"] = sorted(set(words))
    combine = rule.combine if len(matchers) > 1 else "AND"
    return [combine, sorted(json.dumps(matcher, sort_keys=True) for matcher in matchers)]


def _words(pattern: str) -> list[str]:
    """The words of a regular expression that is a choice of words; none for any other."""
    found = _CHOICE.fullmatch(pattern)
    return (found[1] or found[2]).split("|") if found else []


def unlike(old: Any, new: Any, at: Path = ()) -> Iterator[Path]:
    """The places in which two examples differ, as JSON sees it: 1, 1.0 and true are three values."""
    if is_object(old) and is_object(new):
        for key in sorted(old.keys() | new.keys()):
            if key in old and key in new:
                yield from unlike(old[key], new[key], (*at, key))
            else:
                yield (*at, key)
    elif is_array(old) and is_array(new) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from unlike(before, after, (*at, index))
    elif json.dumps(old) != json.dumps(new):
        yield at


def covers(place: Sequence[str], path: Path) -> bool:
    """Whether a path is at a place, which may hold `*`, or below it."""
    return len(place) <= len(path) and all(
        step in {_WILD, str(other)} for step, other in zip(place, path[: len(place)], strict=True)
    )


def _differing(old: Side, new: Side) -> set[tuple[str, ...]]:
    """The places whose rule or example differs."""
    rules = {steps_of(path) for path in old[1].keys() | new[1].keys() if old[1].get(path) != new[1].get(path)}
    return rules | {tuple(map(str, path)) for path in unlike(old[0], new[0])}


def _is_tried(place: Sequence[str], path: Path) -> bool:
    """Not every item of a long list, but where a place names it."""
    return all(
        not isinstance(step, int) or step < _ITEMS or (at < len(place) and place[at] == str(step))
        for at, step in enumerate(path)
    )


class _InAnyOrder(random.Random):
    """Chooses the same in every process: rstr chooses among the characters of a set, whose order varies."""

    def choice(self, seq: Any) -> Any:
        return super().choice(sorted(seq, key=repr))


def _hints(old: Mapping[str, Rule], new: Mapping[str, Rule]) -> dict[tuple[str, ...], list[Any]]:
    """Values that the rules of both sides suggest, for each place where they differ: texts, and lengths of lists."""
    made = rstr.Rstr(_InAnyOrder(_SEED))  # the same each time
    found: dict[tuple[str, ...], list[Any]] = {}
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if before != after:
            matchers = [matcher for rule in (before, after) if rule is not None for matcher in rule.matchers]
            found[steps_of(path)] = list(_ideas(matchers, made))
    return found


def _ideas(matchers: Iterable[Mapping[str, Any]], made: rstr.Rstr) -> Iterator[Any]:
    for matcher in matchers:
        if isinstance(matcher.get("value"), str):
            yield matcher["value"]
        for bound in ("min", "max"):
            if isinstance(matcher.get(bound), int):
                yield from (_Length(matcher[bound] + more) for more in (-1, 0, 1))
        pattern = str(matcher.get("regex", ""))
        yield from _words(pattern)
        if pattern and not _NESTED.search(pattern):
            try:
                yield from [made.xeger(pattern) for _ in range(_SAMPLES)]
            except (KeyError, IndexError, re.error, OverflowError):  # what rstr does not know yet
                continue


class _Length(int):
    """The lengths of a list that are tried."""


def _hint(path: Path, hints: Mapping[tuple[str, ...], list[Any]]) -> list[Any]:
    for place, found in hints.items():
        if len(place) == len(path) and covers(place, path):
            return found
    return []


def _values(path: Path, value: Any, hints: Sequence[Any]) -> Iterator[Any]:
    """Values to try instead of a value: in a body `null`, its neighbours, its look-alikes of other types."""
    texts = list(dict.fromkeys(hint for hint in hints if isinstance(hint, str)))
    if path[0] != _BODY:  # a status, or texts only
        yield from texts or ([f"{value}x"] if isinstance(value, str) else ())
        return
    yield None
    yield from texts
    match value:
        case bool():
            yield from (not value, str(value).lower(), int(value))
        case int() | float():
            yield from (value + 1, -1, 0, value + 0.5, float(value), str(value), bool(value))
        case str():
            yield from (f"{value}x", "", 17, value.upper())
        case list():
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]  # JSON
            yield from ([], items[:1], [*items, *items[-1:]], items[::-1], {})
            lengths = sorted({int(hint) for hint in hints if isinstance(hint, _Length) and hint > 0})
            yield from ((items * length)[:length] for length in lengths if items)
        case dict():
            yield from ({}, [], "text")
        case _:
            yield from ("text", 17, 0.5, True, [], {})


def _places(value: Any, at: Path = ()) -> Iterator[Path]:
    children: Iterable[tuple[str | int, Any]] = ()
    if is_object(value):
        children = value.items()
    elif is_array(value):
        children = enumerate(value)
    for step, child in children:
        yield (*at, step)
        yield from _places(child, (*at, step))


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _with(document: Any, path: Path, value: Any) -> Any:
    changed = copy.deepcopy(document)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _without(document: Any, path: Path) -> Any:
    changed = copy.deepcopy(document)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def _spelled(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
