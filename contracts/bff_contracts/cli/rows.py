"""One row on the terminal for each interaction that is verified."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from bff_contracts.verification import Outcome


def shown(name: str, verify: "Callable[[], Outcome]", out: TextIO) -> "Outcome":
    """Verify an interaction; its row is there when it is done, and on a terminal a line while it runs."""
    if out.isatty():
        print(f"  …                {name}", end="\r", file=out, flush=True)
    outcome = verify()
    print(row_of(outcome), file=out, flush=True)
    return outcome


def row_of(outcome: "Outcome") -> str:
    """The row of an interaction that is done."""
    from bff_contracts.verification.plain import plain  # noqa: PLC0415  # the extra

    word = "FAILED" if outcome.verdict in {"not verified", "built"} else outcome.verdict
    return plain(f"  {word:<8} {outcome.seconds * 1000:4.0f} ms  {outcome.interaction}")
