"""Verifies a provider against the contracts of a broker, and builds the results for the broker."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bff_contracts.broker.contracts import Contract, Results
from bff_contracts.pact.file import Pact, PactError, read_pact
from bff_contracts.verification.arguments import CannotVerify
from bff_contracts.verification.outcomes import Difference, Outcome
from bff_contracts.verification.provider import RunningProvider

_ATTRIBUTES: Final[Mapping[str, str]] = {"content": "body"}
"""The broker's names for the beginnings of `Difference.where`, where they differ."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A contract that a broker has for a provider."""

    contract: Contract
    pact: Pact

    @property
    def name(self) -> str:
        """The consumer and its version: several contracts may have interactions of the same name."""
        return f"{self.pact.consumer} {self.contract.version}".rstrip()


def read(contracts: Iterable[Contract], provider: str) -> list[Selected]:
    """The contracts, ready to be verified.

    Raises:
        CannotVerify: One cannot be read, is empty, or is with another provider.
    """
    selected = [_read(contract) for contract in contracts]
    for each in selected:
        if each.pact.provider != provider:
            raise CannotVerify(f"the contract of {each.name} is with {each.pact.provider}, and not with {provider}")
        if not each.pact.interactions:
            raise CannotVerify(f"the contract of {each.name} has no interactions")
    return selected


def outcome(running: RunningProvider, selected: Selected, at: int) -> Outcome:
    """Verify the interaction at this place of a contract; its name includes the consumer and its version."""
    found = running.outcome_of(selected.pact, at)
    pending = found.pending or selected.contract.pending
    return replace(found, interaction=f"{found.interaction} ({selected.name})", pending=pending)


def results(selected: Selected, outcomes: Sequence[Outcome]) -> Results:
    """The outcomes of all interactions of a contract, as a broker wants them."""
    interactions = selected.contract.document["interactions"]
    tests = [_result(interaction, outcome) for interaction, outcome in zip(interactions, outcomes, strict=True)]
    return Results(all(outcome.verified for outcome in outcomes), tests)


def _read(contract: Contract) -> Selected:
    try:
        return Selected(contract, read_pact(json.dumps(contract.document), source=contract.version))
    except PactError as error:
        raise CannotVerify(f"the broker's contract cannot be read: {error}") from error


def _result(interaction: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = {
        "interactionId": interaction.get("_id"),
        "interactionDescription": interaction["description"],
        "success": outcome.verified,
    }
    if outcome.differences:
        result["mismatches"] = list(map(_mismatch, outcome.differences))
    if outcome.troubles:
        result["exceptions"] = [{"message": trouble} for trouble in outcome.troubles]
    return result


def _mismatch(difference: Difference) -> dict[str, str]:
    kind, _, place = difference.where.partition(" ")
    mismatch = {"attribute": _ATTRIBUTES.get(kind, kind), "description": difference.rule}
    return {**mismatch, "identifier": place} if place and kind != "content" else mismatch
