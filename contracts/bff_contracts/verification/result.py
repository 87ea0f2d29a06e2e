"""The result of verifying a contract: the outcomes of its interactions, and the error if some of them fail."""

from collections.abc import Sequence
from dataclasses import dataclass

from bff_contracts.terminal import plain
from bff_contracts.verification.grouping import blocks
from bff_contracts.verification.outcomes import Outcome


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
