"""What the body of a request has to be: the contract's example, as far as no rule lets it differ.

Rules hold for what they name and, as in Pact, for all that is below it; the most exact one decides. In requests a
member that the example does not have is a difference: a consumer sends what it says it sends.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bff_contracts.pact.file import Request, Rule
from bff_contracts.pact.json_path import is_array, is_object, steps_of
from bff_mock_server._json import dumps
from bff_mock_server.matching.rules import RulePlace

_SHOWN: Final = 200
_MISSING: Final = object()

Steps = tuple[str, ...]
Verdict = Callable[[Any, Any], bool]
"""Whether, given the example's value, the one that was sent will do."""
Expected = Callable[[Any], str]
"""What would do, in words, given the example's value."""


@dataclass(frozen=True, slots=True)
class BodyDifference:
    """One place where a body is not what it has to be; `path` is a JSON path."""

    path: str
    rule: str
    expected: str | None
    actual: str | None


@dataclass(frozen=True, slots=True)
class _BodyRule:
    steps: Steps
    name: str
    expected: Expected
    accepts: Verdict
    is_type: bool
    fewest: int | None
    most: int | None

    def weight(self, at: Steps) -> tuple[int, int] | None:
        """How exactly the rule is about a place; `None` when it is not."""
        if len(self.steps) > len(at):
            return None
        exact = 0
        for mine, there in zip(self.steps, at[: len(self.steps)], strict=True):
            if mine == there:
                exact += 1
            elif mine != "*":
                return None
        return len(self.steps), exact


class BodyCheck:
    """Decides about bodies.

    Args:
        request: The contract's.
        place: Where it stands, for messages.

    Raises:
        PactError: One of its rules cannot be honoured.
    """

    def __init__(self, request: Request, place: RulePlace) -> None:
        self._example = request.body
        content_type = ", ".join(request.headers.get("content-type", ("application/json",)))
        self._is_json = "json" in content_type or not isinstance(request.body, str)
        self._rules = [_rule(path, rule, place) for path, rule in request.rules.items()]
        self.identity = (dumps(request.body), tuple(sorted(map(repr, request.rules.items()))))

    def differences(self, body: bytes) -> Iterator[BodyDifference]:
        """Every place where a body differs, from the outside in."""
        if not self._is_json:
            text = body.decode("utf-8", "replace")
            yield from self._compare(self._example, text, ())
            return
        try:
            value: Any = json.loads(body)
        except (ValueError, RecursionError):
            yield BodyDifference("$", "json", "a JSON document", _short(body.decode("utf-8", "replace")) or None)
            return
        yield from self._compare(self._example, value, ())

    def _compare(self, example: Any, value: Any, at: Steps) -> Iterator[BodyDifference]:
        rule = self._rule_for(at)
        if rule is not None and not (rule.is_type and (is_object(example) or is_array(example))):
            if not rule.accepts(example, value):
                yield _difference(at, rule.name, rule.expected(example), value)
        elif is_object(example) and is_object(value):
            yield from self._compare_members(example, value, at)
        elif is_array(example) and is_array(value):
            yield from self._compare_items(example, value, at, rule)
        elif not _is_equal(example, value):
            yield _difference(at, "equality", _shown(example), value)

    def _compare_members(
        self, example: Mapping[str, Any], value: Mapping[str, Any], at: Steps
    ) -> Iterator[BodyDifference]:
        for name, inner in example.items():
            if name in value:
                yield from self._compare(inner, value[name], (*at, name))
            else:
                yield BodyDifference(_path((*at, name)), "present", _shown(inner), None)
        for name in value:
            if name not in example:
                yield BodyDifference(_path((*at, name)), "absent", None, _shown(value[name]))

    def _compare_items(
        self, example: list[Any], value: list[Any], at: Steps, rule: _BodyRule | None
    ) -> Iterator[BodyDifference]:
        if rule is None:
            if len(example) != len(value):
                yield _difference(at, "equality", f"{len(example)} items", value)
                return
            models: Sequence[Any] = example
        else:
            is_own = len(rule.steps) == len(at)
            if (is_own and rule.fewest is not None and len(value) < rule.fewest) or (
                is_own and rule.most is not None and len(value) > rule.most
            ):
                yield _difference(at, "type", rule.expected(example), value)
                return
            if not example:
                return  # no example says what an item has to be
            models = example[:1] * len(value)
        for number, (inner, item) in enumerate(zip(models, value, strict=True)):
            yield from self._compare(inner, item, (*at, str(number)))

    def _rule_for(self, at: Steps) -> _BodyRule | None:
        weighed = [(weight, rule) for rule in self._rules if (weight := rule.weight(at)) is not None]
        return max(weighed, key=lambda pair: pair[0])[1] if weighed else None


def _rule(path: str, rule: Rule, place: RulePlace) -> _BodyRule:
    where = f"request.matchingRules.body.{path}"
    if not rule.matchers:
        raise place.error(where, "a rule without a matcher")
    kinds = [_matcher(dict(matcher), place, f"{where}.matchers[{at}]") for at, matcher in enumerate(rule.matchers)]
    decide, word = (any, " or ") if rule.combine == "OR" else (all, " and ")
    verdicts = [accepts for _, _, accepts in kinds]
    first = dict(rule.matchers[0])
    return _BodyRule(
        steps=steps_of(path),
        name=kinds[0][0] if len(kinds) == 1 else rule.combine,
        expected=lambda example: word.join(expected(example) for _, expected, _ in kinds),
        accepts=lambda example, value: decide(accepts(example, value) for accepts in verdicts),
        is_type=[name for name, _, _ in kinds] == ["type"],
        fewest=first.get("min"),
        most=first.get("max"),
    )


def _matcher(matcher: Mapping[str, Any], place: RulePlace, where: str) -> tuple[str, Expected, Verdict]:
    name = str(matcher.get("match"))
    if name in _SIMPLE:
        expected, accepts = _SIMPLE[name]
        return name, lambda _: expected, lambda _, value: accepts(value)
    match name:
        case "type":
            bounds = {"min": "at least", "max": "at most"}
            limits = [f"{word} {matcher[key]} items" for key, word in bounds.items() if key in matcher]
            return (
                name,
                lambda example: _a(_kind(example)) + (f" with {' and '.join(limits)}" if limits else ""),
                _is_alike,
            )
        case "equality":
            return name, _shown, _is_equal
        case "regex":
            pattern = matcher["regex"]
            fullmatch = re.compile(pattern).fullmatch
            return (
                name,
                lambda _: f"a text that matches {pattern}",
                lambda _, value: isinstance(value, str) and fullmatch(value) is not None,
            )
        case "include":
            part = matcher["value"]
            return (
                name,
                lambda _: f"a text that contains {part!r}",
                lambda _, value: isinstance(value, str) and part in value,
            )
        case other:
            raise place.error(f"{where}.match", f"the matching rule {other!r} cannot be honoured on a request's body")


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "object" else f"a {kind}"


def _is_alike(example: object, value: object) -> bool:
    return _kind(example) == _kind(value)


def _is_equal(example: object, value: object) -> bool:
    return type(example) is type(value) and example == value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_SIMPLE: Final[Mapping[Any, tuple[str, Callable[[object], bool]]]] = {
    "integer": ("a whole number", _is_whole),
    "decimal": ("a decimal number", lambda value: isinstance(value, float)),
    "number": ("a number", lambda value: _kind(value) == "number"),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "null": ("null", lambda value: value is None),
}


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case _:
            return "list" if is_array(value) else "object"


def _difference(at: Steps, rule: str, expected: str, value: object) -> BodyDifference:
    return BodyDifference(_path(at), rule, expected, _shown(value))


def _path(at: Steps) -> str:
    return "$" + "".join(
        f"[{step}]" if step.isdecimal() else f".{step}" if re.fullmatch(r"\w+", step) else f"[{step!r}]" for step in at
    )


def _shown(value: object) -> str:
    return _short(dumps(value))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
