"""The rules of a request compiled, and where in its file a rule that cannot be honoured is."""

from collections.abc import Sequence
from dataclasses import dataclass

from bff_contracts.http import MEDIA_TYPE_HEADERS, media_type
from bff_contracts.pact.file import Interaction, PactError, Rule
from bff_contracts.pact.text_rules import Check, UnknownMatcherError, compiled, equality


@dataclass(frozen=True, slots=True)
class RulePlace:
    """Where in which file a rule is, for messages."""

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
        PactError: The rule cannot be honoured; the message says where it is.
    """
    if rule is None:
        return equality(example)
    if not rule.matchers:
        raise place.error(where, "a rule without a matcher")
    try:
        return compiled(rule.matchers, rule.combine, example)
    except UnknownMatcherError as error:
        raise place.error(f"{where}.matchers[{error.at}].match", str(error)) from error


def header_check(name: str, values: Sequence[str]) -> Check:
    """What a header without a rule has to be: blanks around commas do not count, nor do more parameters of a type."""
    expected = ", ".join(values)
    wanted = _listed(expected)
    if name not in MEDIA_TYPE_HEADERS:
        return Check("equality", expected, lambda value: value == expected or _listed(value) == wanted)
    types = [media_type(part) for part in wanted]

    def accepts(value: str) -> bool:
        sent = [media_type(part) for part in _listed(value)]
        return len(sent) == len(types) and all(
            kind == other and parameters <= more for (kind, parameters), (other, more) in zip(types, sent, strict=True)
        )

    return Check("equality", expected, accepts)


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]
