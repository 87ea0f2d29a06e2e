"""The kit detects each broken provider that would affect the BFF, and no others."""

import re
from types import ModuleType

import pytest

from tests.providers import cms, ras
from tests.providers.breaking import Mutant
from tests.providers.judging import TABLE, beginning_of, outcomes_of, table_of
from tests.providers.mutants import MUTANTS
from tests.support.lanes import one_in

SOME = one_in(30, MUTANTS, "each of three hundred is a verification")


@pytest.mark.parametrize(
    ("provider", "module"), [pytest.param("ras", ras, id="ras"), pytest.param("cms", cms, id="cms")]
)
def test_the_unbroken_provider_is_verified(provider: str, module: ModuleType) -> None:
    assert [str(outcome) for outcome in outcomes_of(provider, module) if not outcome.verified] == []


@pytest.mark.parametrize("mutant", SOME, ids=lambda mutant: f"{mutant.provider}-{mutant.name}")
def test_a_broken_provider_is_found_out_if_the_bff_would_notice(mutant: Mutant) -> None:
    """By the interaction that the table names; where it names none, no interaction notices."""
    row = next(line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith(beginning_of(mutant)))
    found_by = re.search(r"\| `([^`]+)`(?: and \d+ more)? \|$", row)

    outcomes = outcomes_of(mutant.provider, mutant.module(), only=found_by[1] if found_by else None)
    if found_by and all(outcome.verified for outcome in outcomes):
        # What it stored or answered before may be what shows the mistake.
        outcomes = outcomes_of(mutant.provider, mutant.module())
    failed = [outcome.interaction for outcome in outcomes if not outcome.verified]

    assert failed[:1] == ([found_by[1]] if found_by else []), "the table is stale: pdm run mutants"
    assert bool(failed) != bool(mutant.harmless)
    assert found_by or row.endswith(f"| nothing: {mutant.harmless} |")


def test_the_table_has_a_row_for_each_mutant_and_no_other() -> None:
    page = TABLE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines(keepends=True) if line.startswith(("| RAS", "| CMS"))]

    assert len(rows) == len(MUTANTS) == len({mutant.name + mutant.provider for mutant in MUTANTS})
    assert page == table_of(rows)
