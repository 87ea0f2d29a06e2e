"""Compiles the matching rules of a request, and locates a rule that cannot be honoured."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from bff_contracts.http import MEDIA_TYPE_HEADERS
from bff_contracts.pact.file import Interaction, PactError, Rule
from bff_contracts.pact.text_rules import Check, UnknownMatcherError, compiled, equality

_INDEX: Final = re.compile(r"^(?:\$\.?)?(?P<name>[^\[\]]+)(?:\[(?P<at>[0-9*]+)\])?$")
_HEADERS: Final = 256
"""The headers whose checks are kept: interactions of a contract mostly send the same."""
_BRACKETED: Final = re.compile(r"^\$?\[['\"](?P<name>.+)['\"]\](?:\[(?P<at>[0-9*]+)\])?$")


class RulePlace(NamedTuple):
    """The place of a rule in its file, for messages."""

    source: str
    interaction: Interaction
    at: int

    def error(self, path: str, problem: str) -> PactError:
        """Make the error for a place below the interaction."""
        message = (
            f"{self.source}: interaction {self.interaction.description!r}: $.interactions[{self.at}].{path}: {problem}"
        )
        return PactError(message)


def check_of(rule: Rule | None, example: str, place: RulePlace, where: str) -> Check:
    """Compile a rule; without one, the example is what a value has to be.

    Raises:
        PactError: The rule cannot be honoured; the message names its place.
    """
    if rule is None:
        return equality(example)
    try:
        return compiled(rule.matchers, rule.combine, example)
    except UnknownMatcherError as error:
        raise place.error(f"{where}.matchers[{error.at}].match", str(error)) from error


@lru_cache(maxsize=_HEADERS)
def header_check(name: str, expected: str) -> Check:
    """The check of a header without a rule: it ignores blanks around commas and more media type parameters."""
    wanted = _listed(expected)
    if name not in MEDIA_TYPE_HEADERS:
        return Check("equality", expected, lambda value: value == expected or _listed(value) == wanted)
    types = [_media_type(part) for part in wanted]

    def accepts(value: str) -> bool:
        if value == expected:
            return True
        sent = [_media_type(part) for part in _listed(value)]
        return len(sent) == len(types) and all(
            kind == other and parameters <= more for (kind, parameters), (other, more) in zip(types, sent, strict=True)
        )

    return Check("equality", expected, accepts)


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def _media_type(text: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """A media type and its parameters as the engine compares them: the case of a parameter's value does not count."""
    kind, *parameters = (part.strip() for part in text.split(";"))
    named = (part.partition("=") for part in parameters if part)
    return kind, frozenset((name.strip(), value.strip().lower()) for name, _, value in named)


def by_name(rules: Mapping[str, Rule], known: Mapping[str, object]) -> Mapping[tuple[str, int | None], Rule]:
    """Rules of parameters or headers by name, and by the number of the value if they have one."""
    # Writers differ in how they spell a rule's key: limit, limit[0], $.limit[0], $['x-id'][0].
    named: dict[tuple[str, int | None], Rule] = {}
    for key, rule in rules.items():
        found = _BRACKETED.match(key) or _INDEX.match(key)
        is_whole = key in known or found is None
        name = key if is_whole or found is None else found["name"]
        at = None if is_whole or found is None or not (found["at"] or "").isdecimal() else int(found["at"])
        named[name, at] = rule  # a rule for a missing parameter or header has no effect, as in the engine
    return named
