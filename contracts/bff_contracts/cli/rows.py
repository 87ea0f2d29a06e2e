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
    word = "FAILED" if outcome.verdict == "not verified" else outcome.verdict
    print(f"  {word:<8} {outcome.seconds * 1000:4.0f} ms  {outcome.interaction}", file=out, flush=True)
    return outcome
