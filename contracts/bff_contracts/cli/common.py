"""What the commands have in common."""

import argparse
import contextlib
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from bff_contracts.options import above_zero
from bff_contracts.pact.file import Pact, shipped_pacts
from bff_contracts.platform import PROVIDERS, full_name, needs_extras
from bff_contracts.terminal import plain

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
else:
    Commands = Any

SECONDS: Final = above_zero(3600)
"""The `type` of an option for a time limit."""

BUILD_URL: Final = "where this build is shown; the broker links to it"


@cache
def shipped() -> tuple[Pact, ...]:
    """The contracts of this package, read once."""
    return shipped_pacts()


class CommandError(Exception):
    """A command cannot do its work; the message says why."""


def print_text(text: str, *, end: str = "\n") -> None:
    """Print a text without the control characters that a terminal interprets."""
    print(plain(text), end=end, flush=True)  # noqa: T201


def print_error(message: str) -> None:
    """Print on standard error why a command did not do its work."""
    print(plain(f"bff-contracts: {message}"), file=sys.stderr)  # noqa: T201


def add_provider(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Take a provider as the first argument."""
    known = ", ".join(provider.name for provider in PROVIDERS)
    short = " and ".join(provider.short for provider in PROVIDERS)
    parser.add_argument(
        "provider",
        nargs="?" if optional else None,
        metavar="PROVIDER",
        help=f"one of {known}; {short} will do" + (" (default: all)" if optional else ""),
    )


def pacts_of(provider: str | None) -> list[Pact]:
    """The contract with a provider, or all contracts.

    Raises:
        CommandError: There is no such provider.
    """
    pacts = shipped()
    if provider is None:
        return list(pacts)
    found = [pact for pact in pacts if pact.provider == full_name(provider)]
    if not found:
        message = f"there is no contract with {provider!r}; known: {', '.join(pact.provider for pact in pacts)}"
        raise CommandError(message)
    return found


def needs_contracts() -> contextlib.AbstractContextManager[None]:
    """Import what only the extra `contracts` brings; without it, `CommandError` says how to install it."""
    return needs_extras("contracts", error=CommandError)
