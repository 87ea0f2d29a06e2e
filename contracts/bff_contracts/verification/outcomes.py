"""What came of verifying interactions, in the words of the field."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Final

from bff_contracts.describing import target_of
from bff_contracts.pact_file import Interaction

_LONGEST: Final = 300
"""How many characters of a value are told to people."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which an answer differs from what the contract allows.

    Attributes:
        where: `status`, `content type`, `header NAME` or `body PATH`.
        expected: The contract's example at that place.
        actual: What the provider answered there.
        rule: How the contract was broken, in the words of the official verifier.
    """

    where: str
    expected: str
    actual: str
    rule: str

    def __str__(self) -> str:
        lines = [self.where, *(f"  {name:<9} {value}" for name, value in self._told())]
        return "\n".join(lines)

    def _told(self) -> Sequence[tuple[str, str]]:
        return [
            (name, shorten(value, _LONGEST, placeholder=" …"))
            for name, value in (("expected", self.expected), ("actual", self.actual), ("rule", self.rule))
        ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one interaction.

    Attributes:
        interaction: What was asked, and what was expected.
        seconds: How long it took.
        differences: How the answer differs from the contract.
        troubles: What else went wrong: a provider state that could not be set up, no answer, a key refused.
        cause: The exception behind the first of the troubles, if there was one.
    """

    interaction: Interaction
    seconds: float
    differences: tuple[Difference, ...] = ()
    troubles: tuple[str, ...] = ()
    cause: BaseException | None = None

    @property
    def verified(self) -> bool:
        """Whether the provider keeps this part of the contract."""
        return not self.differences and not self.troubles

    def __str__(self) -> str:
        asked = [f"{self.interaction.description}: {'verified' if self.verified else 'not verified'}"]
        asked += [f"  given {state.name} {_short(state.params)}" for state in self.interaction.states]
        asked.append(f"  asked {target_of(self.interaction)}")
        told = [*self.troubles, *map(str, self.differences)]
        return "\n".join([*asked, *("  " + text.replace("\n", "\n  ") for text in told)])


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of all interactions of a contract."""

    provider: str
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The interactions that the provider does not keep."""
        return tuple(outcome for outcome in self.outcomes if not outcome.verified)

    @property
    def verified(self) -> bool:
        """Whether there was something to verify, and all of it was."""
        return bool(self.outcomes) and not self.failed

    def __str__(self) -> str:
        failed = self.failed
        total = len(self.outcomes)
        if not failed:
            return f"{self.provider} keeps all {total} interactions of its contract."
        head = f"{self.provider} does not keep {len(failed)} of {total} interactions of its contract:"
        return "\n\n".join([head, *map(str, failed)])


class NotVerified(AssertionError):  # named by what it says of the provider
    """The provider does not keep its contract; the message says where, and `outcomes` hold the details."""

    def __init__(self, message: str, outcomes: Sequence[Outcome]) -> None:
        super().__init__(message)
        self.outcomes = tuple(outcomes)


def _short(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False, default=str), _LONGEST, placeholder=" …")
