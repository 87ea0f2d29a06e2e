"""What one value of a request has to be: a matching rule of the contract, compiled."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bff_contracts.pact.file import Interaction, PactError, Rule

_WHOLE: Final = re.compile(r"-?[0-9]+")
_FRACTION: Final = re.compile(r"-?[0-9]+\.[0-9]+")
_MEDIA_TYPES: Final = frozenset({"accept", "content-type"})
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")

Accepts = Callable[[str], object]
"""Says yes with anything true: a match object of a regular expression is as good as `True`, and is had for less."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one value of a request has to be.

    Attributes:
        rule: The matcher's name, as a pact file spells it; `equality` for a value without a rule.
        expected: What would be accepted, in words.
        accepts: Decides about one value.
        pattern: The regular expression, if the rule is one.
    """

    rule: str
    expected: str
    accepts: Accepts
    pattern: str | None = None

    @property
    def is_literal(self) -> bool:
        """Whether exactly one value is accepted."""
        return self.rule == "equality"

    @property
    def identity(self) -> tuple[str, str]:
        """Checks with the same identity accept the same values."""
        return self.rule, self.expected


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something stands, for messages."""

    source: str
    interaction: Interaction
    at: int

    def error(self, path: str, problem: str) -> PactError:
        """Make the error for a place below the interaction."""
        message = (
            f"{self.source}: interaction {self.interaction.description!r}: $.interactions[{self.at}].{path}: {problem}"
        )
        return PactError(message)


def check_of(rule: Rule | None, example: str, place: Place, where: str) -> Check:
    """Compile a rule; without one, the example is what a value has to be.

    Raises:
        PactError: The rule cannot be honoured; the message says where it stands.
    """
    if rule is None:
        return _equality(example)
    if not rule.matchers:
        raise place.error(where, "a rule without a matcher")
    checks = [
        _matcher(dict(matcher), example, place, f"{where}.matchers[{at}]") for at, matcher in enumerate(rule.matchers)
    ]
    if len(checks) == 1:
        return checks[0]
    decide, word = (any, " or ") if rule.combine == "OR" else (all, " and ")
    accepts = [check.accepts for check in checks]
    return Check(
        rule=rule.combine,
        expected=word.join(check.expected for check in checks),
        accepts=lambda value: decide(accept(value) for accept in accepts),
    )


def header_check(name: str, values: Sequence[str]) -> Check:
    """What a header without a rule has to be: blanks around commas do not count, nor do more parameters of a type."""
    expected = ", ".join(values)
    wanted = _listed(expected)
    if name not in _MEDIA_TYPES:
        return Check("equality", expected, lambda value: value == expected or _listed(value) == wanted)
    types = [_media_type(part) for part in wanted]

    def accepts(value: str) -> bool:
        sent = [_media_type(part) for part in _listed(value)]
        return len(sent) == len(types) and all(
            kind == other and parameters <= more for (kind, parameters), (other, more) in zip(types, sent, strict=True)
        )

    return Check("equality", expected, accepts)


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def _media_type(text: str) -> tuple[str, frozenset[str]]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    return kind, frozenset(parameters)


def _matcher(  # noqa: PLR0911  # one per matcher
    matcher: Mapping[str, Any], example: str, place: Place, where: str
) -> Check:
    match matcher.get("match"):
        case "equality":
            return _equality(example)
        case "regex":
            return _regex(matcher["regex"])
        case "include":
            part = matcher["value"]
            return Check("include", f"a text that contains {part!r}", lambda value: part in value)
        case "type":
            return Check("type", "any text", lambda _: True)
        case "integer":
            return Check("integer", "a whole number", _WHOLE.fullmatch)
        case "decimal":
            return Check("decimal", "a decimal number", _FRACTION.fullmatch)
        case "number":
            return Check("number", "a number", _NUMBER.fullmatch)
        case "boolean":
            return Check("boolean", "true or false", lambda value: value in {"true", "false"})
        case "null":
            return Check("null", "an empty value", lambda value: not value)
        case other:
            raise place.error(f"{where}.match", f"the matching rule {other!r} cannot be honoured on a request")


def _equality(example: str) -> Check:
    return Check("equality", example, example.__eq__)


def _regex(pattern: str) -> Check:
    return Check("regex", f"a text that matches {pattern}", re.compile(pattern).fullmatch, pattern)
