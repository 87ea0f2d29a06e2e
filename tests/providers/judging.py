"""Verifies a provider of these tests with the kit, and formats the outcome as a row of the table of mutants."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from bff_contracts.platform import CMS, RAS
from bff_contracts.verification import Outcome, running_provider
from tests.providers.breaking import Mutant
from tests.providers.mutants import MUTANTS
from tests.providers.seeding import cms_states, ras_states

KEY: Final = "the-real-key-of-the-provider"
TABLE: Final = Path(__file__).parents[2] / "docs" / "evidence" / "mutants.md"

_NAMES: Final[Mapping[str, str]] = {"ras": RAS, "cms": CMS}
_HEAD: Final = """\
# What verification detects

Each row is a provider with one mistake. A mistake in something that the BFF relies on is detected by the named
interaction, and by as many more; any other mistake is accepted, for the reason given. `pdm run mutants` writes this
page, and the test suite repeats every row.

| provider | mistake | detected by |
|---|---|---|
"""


def outcomes_of(provider: str, module: ModuleType, *, only: str | None = None) -> list[Outcome]:
    """The outcomes of all interactions, or of one, with an application of `ras.py`, `cms.py`, or a broken copy."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "provider.db"
        states = {"ras": ras_states, "cms": cms_states}[provider](database)
        app = module.create_app(module.Settings(str(database), KEY))
        with running_provider(app, provider=provider, states=states, api_key=KEY) as running:
            known = running.interactions
            return [running.outcome(at) for at, name in enumerate(known) if only in {None, name}]


def row_of(mutant: Mutant) -> str:
    """Break a provider and verify it."""
    failed = [outcome for outcome in outcomes_of(mutant.provider, mutant.module()) if not outcome.verified]
    return f"{beginning_of(mutant)}{_finding(failed, mutant.harmless)} |\n"


def beginning_of(mutant: Mutant) -> str:
    """The beginning of a mutant's row."""
    return f"| {mutant.provider.upper()} | {mutant.name} | "


def _finding(failed: list[Outcome], harmless: str) -> str:
    if not failed:
        return f"nothing: {harmless}" if harmless else "nothing"
    others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"`{failed[0].interaction}`{others}"


def table_of(rows: Iterable[str]) -> str:
    """The page."""
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table_of(map(row_of, MUTANTS)), encoding="utf-8")
