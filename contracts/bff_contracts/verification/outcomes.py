"""The outcome of verifying one interaction, and how a response differs from the contract."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bff_contracts.pact.file import State
from bff_contracts.terminal import plain, shortened

_LONGEST: Final = 300
"""How many characters of a value are shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a response differs from what the contract allows.

    Attributes:
        where: `status`, `content type`, `header NAME` or `body PATH`.
        expected: The contract's example at that place.
        actual: What the provider answered there.
        rule: How the contract was broken, in the words of the official verifier.
        text: The first line of a response that is text or HTML instead of JSON: often the cause of an error.
    """

    where: str
    expected: str
    actual: str
    rule: str
    text: str = ""

    def __str__(self) -> str:
        lines = [self.where, *(f"  {name:<9} {value}" for name, value in self._rows())]
        return plain("\n".join(lines))

    def _rows(self) -> Sequence[tuple[str, str]]:
        return [
            (name, shortened(value, _LONGEST))
            for name, value in (
                ("expected", self.expected),
                ("actual", self.actual),
                ("rule", self.rule),
                ("text", self.text),
            )
            if value or name != "text"
        ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one interaction.

    Attributes:
        interaction: Its description.
        given: The provider states it needs.
        request: Method, path and query; empty where only the verifier knows them.
        seconds: How long it took.
        differences: How the response differs from the contract.
        troubles: What else went wrong: a provider state that could not be set up, no response, a key refused.
        cause: The exception behind the first of the troubles, if there was one.
        pending: Whether the contract is pending: it was never verified successfully, so a failure does not fail the
            build.
        not_yet: The entry by which it was declared as not built yet; empty if it was not.
    """

    interaction: str
    given: tuple[State, ...]
    request: str
    seconds: float
    differences: tuple[Difference, ...] = ()
    troubles: tuple[str, ...] = ()
    cause: BaseException | None = field(default=None, repr=False)
    pending: bool = False
    not_yet: str = ""

    @property
    def verified(self) -> bool:
        """Whether the provider keeps this part of the contract."""
        return not self.differences and not self.troubles

    @property
    def verdict(self) -> str:
        """`verified`, `not verified`, or a failure that is allowed: `pending`, or declared as `not yet`.

        What was declared as not yet and is verified is `built`, which is a failure: the declaration is no longer true.
        """
        if self.not_yet:
            return "built" if self.verified else "not yet"
        if self.verified:
            return "verified"
        # An interaction that could not run is a failure, even if it is pending.
        return "pending" if self.pending and not self.troubles else "not verified"

    def __str__(self) -> str:
        if self.verdict == "built":
            return plain(
                f"{self.interaction}: verified, but declared as not yet by {self.not_yet!r}: remove that entry"
            )
        lines = [f"{self.interaction}: {self.verdict}"]
        lines += [f"  given {state.name} {_short(state.params)}" for state in self.given]
        lines += [f"  request {shortened(self.request, _LONGEST)}"] if self.request else []
        lines += ["  " + text.replace("\n", "\n  ") for text in (*self.troubles, *map(str, self.differences))]
        return plain("\n".join(lines))


def _short(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False, default=str), _LONGEST)
