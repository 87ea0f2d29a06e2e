"""Keeps the names of persons that a provider answered out of its report."""

import json
from dataclasses import replace
from typing import Any, Final

from bff_contracts.pact.file import Interaction
from bff_contracts.pact.json_path import steps_of
from bff_contracts.personal import NAME_MEMBERS, names_in, without_names
from bff_contracts.verification.outcomes import Difference, Outcome

_HIDDEN: Final = "[a name]"


def without_answered_names(outcome: Outcome, interaction: Interaction) -> Outcome:
    """The outcome without names that are in the response and not in the contract: they may be real.

    Names of the contract are fictitious; they stay, because they show which row is in the wrong place.
    """
    made_up = names_in([interaction.response.body, *(state.params for state in interaction.states)])
    answered = frozenset[str]().union(*map(_names_of, outcome.differences)) - made_up
    differences = tuple(
        replace(
            each,
            actual=without_names(each.actual, answered, _HIDDEN),
            rule=without_names(each.rule, answered, _HIDDEN),
            text=without_names(each.text, answered, _HIDDEN),
        )
        for each in outcome.differences
    )
    return replace(outcome, differences=differences)


def _names_of(difference: Difference) -> frozenset[str]:
    kind, _, path = difference.where.partition(" ")
    above = next((step for step in steps_of(path) if step in NAME_MEMBERS), "") if kind == "body" else ""
    try:
        actual: Any = json.loads(difference.actual)
    except (ValueError, RecursionError):
        actual = difference.actual
    return names_in([{above: actual}, difference.text])
