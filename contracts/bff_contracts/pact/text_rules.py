"""Compiles the matching rules of a path, a parameter or a header into a check of one text."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

_WHOLE: Final = re.compile(r"-?[0-9]+")
_FRACTION: Final = re.compile(r"-?[0-9]+\.[0-9]+")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_EXACT: Final = frozenset({"equality", "regex", "include", "type"})
_COMMON: Final = re.compile(
    r"""(?: [^\\\[\](){}*+?|^$.]               # a character
          | \\[dDwWsS] | \\[^\w\s]             # a class, or an escaped sign
          | \[\^?(?: [^\\\[\]&~^-] | \\[dDwWsS] | \\[^\w\s] | (?<![-\[^])-(?!-) )+-?\]
          | \((?:\?:|(?!\?)) | \) | \|
          | [.^] | \$(?=\)|\||\Z)
          | [*+?]\??(?![*+?]) | \{[0-9]+(?:,[0-9]*)?\}\??(?![*+?])
        )*""",
    re.VERBOSE,
)
"""Regular expressions that mean the same to Python and to the engine: no look-around, names, flags, POSIX classes."""

_PATTERNS: Final = 256
"""The patterns that are kept: a contract has few, hundreds of times."""

_TEXTS: Final = 4096
"""The literal texts that are kept."""

Accepts = Callable[[str], object]
"""A check; its result is true or false as in an `if`: a match object saves the conversion to `bool`."""


class UnknownMatcherError(ValueError):
    """A matcher that cannot be applied to a text.

    Attributes:
        at: Its place among the matchers of the rule.
        name: What it is called.
    """

    def __init__(self, at: int, name: object) -> None:
        super().__init__(f"the matching rule {name!r} cannot be honoured on a request")
        self.at = at
        self.name = name


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """The check of one text of a request; equal rules mostly share one.

    Attributes:
        rule: The matcher's name, as a pact file spells it; `equality` for a text without a rule.
        expected: A description of what is accepted.
        accepts: Decides about one text.
        pattern: The regular expression, if the rule is one.
    """

    rule: str
    expected: str
    accepts: Accepts
    pattern: str | None = None

    @property
    def is_literal(self) -> bool:
        """Whether exactly one text is accepted."""
        return self.rule == "equality"

    @property
    def identity(self) -> tuple[str, str]:
        """Checks with the same identity accept the same texts."""
        return self.rule, self.expected


def compiled(matchers: Sequence[Mapping[str, Any]], combine: str, example: str) -> Check:
    """Compile the matchers of a rule; without any, the example is what a text has to be.

    Raises:
        UnknownMatcherError: One of them cannot be applied to a text.
    """
    if not matchers:
        return equality(example)
    checks = [_matcher(matcher, example, at) for at, matcher in enumerate(matchers)]
    if len(checks) == 1:
        return checks[0]
    decide, word = (any, " or ") if combine == "OR" else (all, " and ")
    accepts = [check.accepts for check in checks]
    return Check(
        rule=combine,
        expected=word.join(check.expected for check in checks),
        accepts=lambda value: decide(accept(value) for accept in accepts),
    )


def is_exact(matchers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether `compiled` decides about texts exactly as the official engine does; about other rules, the engine has to.

    Numbers are other rules (`1e3`, `+5`, `.5`), and so are several rules at once, bounds, and no rule at all.
    """
    if len(matchers) != 1 or matchers[0].get("match") not in _EXACT or {"min", "max"} & matchers[0].keys():
        return False
    pattern = matchers[0].get("regex")
    return matchers[0]["match"] != "regex" or (isinstance(pattern, str) and _is_common(pattern))


@lru_cache(maxsize=_PATTERNS)
def _is_common(pattern: str) -> bool:
    if _COMMON.fullmatch(pattern) is None:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


@lru_cache(maxsize=_TEXTS)
def equality(example: str) -> Check:
    """A text has to be the example."""
    return Check("equality", example, example.__eq__)


_ANY: Final = Check("type", "any text", lambda _: True)


def _matcher(matcher: Mapping[str, Any], example: str, at: int) -> Check:  # noqa: PLR0911  # one per matcher
    match matcher.get("match"):
        case "equality":
            return equality(example)
        case "regex":
            return _regex(str(matcher["regex"]))
        case "include":
            part = str(matcher["value"])
            return Check("include", f"a text that contains {part!r}", lambda value: part in value)
        case "type":
            return _ANY
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
            raise UnknownMatcherError(at, other)


@lru_cache(maxsize=_PATTERNS)
def _regex(pattern: str) -> Check:
    return Check("regex", f"a text that matches {pattern}", re.compile(pattern).fullmatch, pattern)
