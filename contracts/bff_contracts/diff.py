"""What a new contract demands that the old one did not, by example.

From the examples and the rules of both sides answers (and requests) are made that differ in one place each, and the
official engine says of each whether either side allows it. An answer that only the old side allows is one that the
provider may give today and not any more: the new side is *stricter* for it. One that only the new side allows makes it
*looser*. With requests it is the other way round: those that only the new side has are the ones that a provider has to
learn. Where other data stands behind an answer, no example can tell whether a provider derives that answer: it counts
as stricter.

What is found is always true, because there is an example of it. What is not found was looked for in each place that
differs, one place at a time.
"""

import copy
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import rstr

from bff_contracts.json_values import is_array, is_object, steps_of
from bff_contracts.judge import mismatches
from bff_contracts.pact_file import Interaction, Pact, Request, Response, Rule

_SEED: Final = 4711
_SAMPLES: Final = 60
"""Strings made for each regular expression that differs; a choice of a dozen words is all but surely exhausted."""

_WILD: Final = "*"
_WHOLE: Final = ""
_BODY: Final = "body"
_Path = tuple[str | int, ...]


class Verdict(StrEnum):
    """What a change means for the provider."""

    STRICTER = "stricter"
    NEW = "new"
    LOOSER = "looser"
    REMOVED = "removed"
    EQUIVALENT = "equivalent"

    @property
    def demands(self) -> bool:
        """Whether a provider that keeps the old contract may not keep the new one."""
        return self in {Verdict.STRICTER, Verdict.NEW}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an interaction or of a provider state.

    Attributes:
        provider: Whose contract it is.
        what: `interaction` or `provider state`.
        name: The description of the interaction, the name of the state.
        verdict: What it means for the provider.
        examples: What shows it, in words; the telling ones first.
    """

    provider: str
    what: str
    name: str
    verdict: Verdict
    examples: tuple[str, ...] = ()


def diff(old: Sequence[Pact], new: Sequence[Pact]) -> list[Change]:
    """Compare contracts, provider by provider; the result is the same each time."""
    before, after = ({pact.provider: pact for pact in side} for side in (old, new))
    return [
        change
        for provider in sorted(before.keys() | after.keys())
        for change in _contract_changes(provider, before.get(provider), after.get(provider))
    ]


def _contract_changes(provider: str, old: Pact | None, new: Pact | None) -> Iterator[Change]:
    before, after = _interactions(old), _interactions(new)
    yield from _state_changes(provider, before.values(), after.values())
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Change(provider, "interaction", name, Verdict.NEW)
        elif name not in after:
            yield Change(provider, "interaction", name, Verdict.REMOVED)
        else:
            verdict, examples = _compared(before[name], after[name])
            yield Change(provider, "interaction", name, verdict, examples)


def _interactions(pact: Pact | None) -> dict[str, Interaction]:
    return {interaction.description: interaction for interaction in (pact.interactions if pact else ())}


def _state_changes(provider: str, old: Iterable[Interaction], new: Iterable[Interaction]) -> Iterator[Change]:
    before, after = (
        {state.name: frozenset(state.params) for interaction in side for state in interaction.states}
        for side in (old, new)
    )
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Change(provider, "provider state", name, Verdict.NEW)
        elif name not in after:
            yield Change(provider, "provider state", name, Verdict.REMOVED)
        elif before[name] != after[name]:
            told = [f"param {param!r} is new" for param in sorted(after[name] - before[name])]
            told += [f"param {param!r} is gone" for param in sorted(before[name] - after[name])]
            yield Change(provider, "provider state", name, Verdict.STRICTER, tuple(told))


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of an exchange as a single JSON document, with the rules that hold in it."""

    example: Any
    rules: Mapping[str, Rule]

    def objections(self, document: Any) -> list[str]:
        found = mismatches(self.example, self.rules, json.dumps(document))
        return [f"{each.path}: {each.message}" for each in found]


def _compared(old: Interaction, new: Interaction) -> tuple[Verdict, tuple[str, ...]]:
    narrower, wider = _told(_answer(old.response), _answer(new.response))
    fewer, more = _told(_question(old.request), _question(new.request))
    stricter = [f"an answer that was allowed and is not any more: {text}" for text in narrower]
    stricter += [f"a request that was not sent and is now: {text}" for text in more]
    looser = [f"an answer that was not allowed and is now: {text}" for text in wider]
    looser += [f"a request that was sent and is not any more: {text}" for text in fewer]
    if [(state.name, state.params) for state in old.states] != [(state.name, state.params) for state in new.states]:
        stricter.append("its provider states changed: other data stands behind the answer")
    if stricter:
        return Verdict.STRICTER, (*stricter, *looser)
    return (Verdict.LOOSER if looser else Verdict.EQUIVALENT), tuple(looser)


def _answer(response: Response) -> _Side:
    example: dict[str, Any] = {"status": response.status, "headers": _joined(response.headers)}
    if response.has_body:
        example["body"] = response.body
    return _Side(example, {**_below("$.headers", response.header_rules), **_in_body(response.rules)})


def _question(request: Request) -> _Side:
    example: dict[str, Any] = {
        "method": request.method,
        "path": request.path,
        "query": {name: list(values) for name, values in request.query.items()},
        "parameters": sorted(request.query),  # the engine lets keys be added, and a request's parameters may not
        "headers": _joined(request.headers),
    }
    if request.has_body:
        example["body"] = request.body
    rules = {
        **_below("$.headers", request.header_rules),
        **{f"$.query['{name}'][*]": rule for name, rule in request.query_rules.items()},
        **_in_body(request.rules),
    }
    return _Side(example, {**rules, "$.path": request.path_rule} if request.path_rule else rules)


def _joined(headers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: ", ".join(values) for name, values in headers.items()}


def _below(at: str, rules: Mapping[str, Rule]) -> dict[str, Rule]:
    return {f"{at}['{name}']": rule for name, rule in rules.items()}


def _in_body(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    return {f"$.body{path.removeprefix('$')}": rule for path, rule in rules.items()}


def _told(old: _Side, new: _Side) -> tuple[list[str], list[str]]:
    """Examples that only the old side allows, and those that only the new side does: one for each place."""
    only_old: dict[str, str] = {}
    only_new: dict[str, str] = {}
    for place, label, document in _candidates(old, new) if old != new else ():
        before, after = old.objections(document), new.objections(document)
        if not before and after:
            only_old.setdefault(place, f"{label} ({after[0]})")
        elif before and not after:
            only_new.setdefault(place, f"{label} ({before[0]})")
    return _telling(only_old), _telling(only_new)


def _telling(examples: Mapping[str, str]) -> list[str]:
    """The examples that are changed in one place; the whole one only where there is no other."""
    return [text for place, text in examples.items() if place != _WHOLE] or list(examples.values())


def _candidates(old: _Side, new: _Side) -> Iterator[tuple[str, str, Any]]:
    """Documents near both examples: the place in which each was changed, what stands there in words, and itself."""
    chance = random.Random(_SEED)  # noqa: S311  # the same each time, no secret
    differing = _differing(old, new)
    samples = _samples(old, new, chance)
    for side, name in ((old, "the old example"), (new, "the new example")):
        yield _WHOLE, name, side.example
        for path in _places(side.example):
            if any(_covers(place, path) for place in differing):
                for value in _values(path, _at(side.example, path), samples.get(_pattern(path, samples), ())):
                    yield (
                        _spelled(path),
                        f"{_spelled(path)} = {json.dumps(value, ensure_ascii=False)}",
                        _with(side.example, path, value),
                    )
                if path[0] == _BODY and isinstance(path[-1], str):
                    yield f"{_spelled(path)} missing", f"no {_spelled(path)}", _without(side.example, path)


def _differing(old: _Side, new: _Side) -> set[tuple[str, ...]]:
    """The places whose rule or example differs, as steps that may be wild."""
    rules = {
        steps_of(path) for path in old.rules.keys() | new.rules.keys() if old.rules.get(path) != new.rules.get(path)
    }
    return rules | {tuple(map(str, path)) for path in _unlike(old.example, new.example, ())}


def _unlike(old: Any, new: Any, at: _Path) -> Iterator[_Path]:
    """The places in which two examples differ."""
    if is_object(old) and is_object(new):
        for key in old.keys() | new.keys():
            if key in old and key in new:
                yield from _unlike(old[key], new[key], (*at, key))
            else:
                yield (*at, key)
    elif is_array(old) and is_array(new) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _unlike(before, after, (*at, index))
    elif old != new or type(old) is not type(new):
        yield at


def _covers(place: tuple[str, ...], path: _Path) -> bool:
    return len(place) <= len(path) and all(
        step in {_WILD, str(other)} for step, other in zip(place, path, strict=False)
    )


def _samples(old: _Side, new: _Side, chance: random.Random) -> dict[tuple[str, ...], list[str]]:
    """Strings for each place whose rules differ, made out of the regular expressions of both sides."""
    made = rstr.Rstr(chance)
    found: dict[tuple[str, ...], list[str]] = {}
    for path in sorted(old.rules.keys() | new.rules.keys()):
        before, after = old.rules.get(path), new.rules.get(path)
        if before != after:
            patterns = sorted({pattern for rule in (before, after) for pattern in _patterns(rule)})
            found[steps_of(path)] = [made.xeger(pattern) for pattern in patterns for _ in range(_SAMPLES)]
    return found


def _patterns(rule: Rule | None) -> Iterator[str]:
    for matcher in rule.matchers if rule else ():
        if "regex" in matcher:
            yield str(matcher["regex"])


def _pattern(path: _Path, samples: Mapping[tuple[str, ...], object]) -> tuple[str, ...]:
    return next((place for place in samples if len(place) == len(path) and _covers(place, path)), ())


def _values(path: _Path, value: Any, samples: Sequence[str]) -> Iterator[Any]:
    """What may stand in the place of a value: in a body `null`, its neighbours, its look-alikes of other types."""
    if path[0] != _BODY:  # a status, or texts only
        yield from samples or ([f"{value}x"] if isinstance(value, str) else ())
        return
    yield None
    match value:
        case bool():
            yield from (not value, str(value).lower())
        case int() | float():
            yield from (value + 1, -1, 0, value + 0.5, str(value))
        case str():
            yield from (f"{value}x", "", 17, value.upper(), *dict.fromkeys(samples))
        case list():
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]  # JSON
            yield from ([], items[:1], [*items, *items[-1:]], items[::-1], {})
        case dict():
            yield from ({}, [], "text")
        case _:
            yield from ("text", 17, 0.5, True, [], {}, *dict.fromkeys(samples))


def _places(value: Any, at: _Path = ()) -> Iterator[_Path]:
    children: Iterable[tuple[str | int, Any]] = ()
    if is_object(value):
        children = value.items()
    elif is_array(value):
        children = enumerate(value)
    for step, child in children:
        yield (*at, step)
        yield from _places(child, (*at, step))


def _at(document: Any, path: _Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _with(document: Any, path: _Path, value: Any) -> Any:
    changed = copy.deepcopy(document)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _without(document: Any, path: _Path) -> Any:
    changed = copy.deepcopy(document)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def _spelled(path: _Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
