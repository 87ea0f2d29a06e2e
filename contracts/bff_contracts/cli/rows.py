"""One row on the terminal for each interaction that is verified."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bff_contracts.cli.common import print_text
from bff_contracts.terminal import shortened

if TYPE_CHECKING:
    from bff_contracts.verification import Outcome

_LONGEST: Final = 200


def verify_with_row(name: str, verify: "Callable[[], Outcome]") -> "Outcome":
    """Verify an interaction and print its row; on a terminal, a line shows which one is under way."""
    if sys.stdout is not None and sys.stdout.isatty():  # `None` where it was closed
        print_text(f"  …                {shortened(name, _LONGEST)}", end="\r")
    outcome = verify()
    print_text(row_of(outcome))
    return outcome


def row_of(outcome: "Outcome") -> str:
    """The row of an interaction that is done."""
    word = "FAILED" if outcome.verdict in {"not verified", "built"} else outcome.verdict
    return f"  {word:<8} {outcome.seconds * 1000:4.0f} ms  {shortened(outcome.interaction, _LONGEST)}"
