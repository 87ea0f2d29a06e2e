"""The outcomes of verifying interactions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bff_contracts.pact.file import State
from bff_contracts.terminal import plain, shortened
from bff_contracts.verification.grouping import blocks

_LONGEST: Final = 300
"""How many characters of a value are shown."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which an answer differs from what the contract allows.

    Attributes:
        where: `status`, `content type`, `header NAME` or `body PATH`.
        expected: The contract's example at that place.
        actual: What the provider answered there.
        rule: How the contract was broken, in the words of the official verifier.
        text: The first line of an answer that is text or HTML instead of JSON: often the cause of an error.
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
        asked: Method, path and query; empty where only the verifier knows them.
        seconds: How long it took.
        differences: How the answer differs from the contract.
        troubles: What else went wrong: a provider state that could not be set up, no answer, a key refused.
        cause: The exception behind the first of the troubles, if there was one.
        pending: Whether the contract is pending: it was never verified successfully, so a failure does not fail the
        build. not_yet: The entry by which it was declared as not built yet; empty if it was not.
    """

    interaction: str
    given: tuple[State, ...]
    asked: str
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
        lines += [f"  asked {self.asked}"] if self.asked else []
        lines += ["  " + text.replace("\n", "\n  ") for text in (*self.troubles, *map(str, self.differences))]
        return plain("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcomes of all interactions of a contract.

    Attributes:
        provider: Whose contract it is.
        outcomes: One for each interaction that was verified.
        total: How many interactions the contract has.
    """

    provider: str
    outcomes: tuple[Outcome, ...]
    total: int

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The interactions that fail the run: failures that are not allowed, and passes declared as not yet."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict in {"not verified", "built"})

    @property
    def not_yet(self) -> tuple[Outcome, ...]:
        """The interactions that the provider has not built yet, as declared."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict == "not yet")

    @property
    def pending(self) -> tuple[Outcome, ...]:
        """The interactions that the provider does not keep yet."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict == "pending")

    @property
    def verified(self) -> bool:
        """Whether at least one interaction was verified, and none fails the run."""
        return bool(self.outcomes) and not self.failed

    def __str__(self) -> str:
        failed, pending, not_yet, count = self.failed, self.pending, self.not_yet, len(self.outcomes)
        whole = f"{self.total} interactions of its contract"
        chosen = f"the {count} chosen of {whole}" if count < self.total else whole
        entries = ", ".join(dict.fromkeys(outcome.not_yet for outcome in not_yet))
        exempt = [f"{len(pending)} pending"] if pending else []
        exempt += [f"{len(not_yet)} declared as not yet ({entries})"] if not_yet else []
        broken = sum(outcome.verdict == "not verified" for outcome in failed)
        if broken:
            what = f"does not keep {broken} of {chosen}"
        elif failed:
            what = f"already keeps {len(failed)} declared as not yet, of {chosen}"
        elif exempt:
            what = f"keeps {count - len(pending) - len(not_yet)} of {chosen}"
        else:
            what = f"keeps {chosen if count < self.total else f'all {whole}'}"
        head = f"{self.provider} {'; '.join([what, *exempt])}{':' if failed or pending else '.'}"
        return plain("\n\n".join([head, *blocks((*failed, *pending))]))


class NotVerified(AssertionError):
    """The provider does not keep its contract; the message says where, and `outcomes` hold the details."""

    def __init__(self, message: str, outcomes: Sequence[Outcome]) -> None:
        super().__init__(plain(message))
        self.outcomes = tuple(outcomes)


def _short(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False, default=str), _LONGEST)
