"""Chooses the contracts to serve: the shipped ones, or any other pact files."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from bff_contracts.pact.file import Pact, load_pact
from bff_contracts.platform import PROVIDERS, full_name

PROXY_OPTIONS: Final = ", ".join(f"--{provider.short} proxy=URL" for provider in PROVIDERS)
"""The options that name a real service, as messages show them."""


class CannotStartError(Exception):
    """The mock cannot start; the message says why."""


class Contracts(NamedTuple):
    """Which contracts are served, and which of their interactions.

    Attributes:
        only: The short name of the only shipped provider to serve; `None` for all.
        files: Pact files to serve instead.
        folders: Folders of pact files to serve instead.
        provider_state: Serve only interactions in a provider state that matches this pattern.
        also_without_state: Serve interactions without a provider state as well.
    """

    only: str | None = None
    files: Sequence[str] = ()
    folders: Sequence[str] = ()
    provider_state: re.Pattern[str] | None = None
    also_without_state: bool = False

    @property
    def are_shipped(self) -> bool:
        """Whether they are the contracts of this package."""
        return not (self.files or self.folders)

    def read(self, shipped: Sequence[Pact] = ()) -> list[Pact]:
        """Read them, or choose among the shipped ones.

        Raises:
            CannotStartError: There are none.
            PactError: A file is not a readable pact, or none has an HTTP interaction.
        """
        if self.are_shipped:
            pacts = _wanted(shipped, self.only)
        else:
            from bff_mock_server.answering.backend import with_http  # noqa: PLC0415  # not for `--help`

            paths: list[str | Path] = [*self.files, *_files_of(self.folders)]
            by_file = {Path(path).resolve(): path for path in paths}
            pacts = with_http([_loaded(path) for path in by_file.values()])
        if self.provider_state is None:
            return pacts
        return [_in_state(pact, self.provider_state, also_none=self.also_without_state) for pact in pacts]


def _wanted(shipped: Sequence[Pact], only: str | None) -> list[Pact]:
    provider = full_name(only) if only else None
    wanted = [pact for pact in shipped if provider in {None, pact.provider}]
    if not wanted:
        message = f"no contract with {provider or 'any provider'} is installed"
        raise CannotStartError(message)
    order = [provider.name for provider in PROVIDERS]  # the banner's example is about the first
    return sorted(wanted, key=lambda pact: order.index(pact.provider))


def _files_of(folders: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        files = sorted(Path(folder).glob("*.json"))
        if not Path(folder).is_dir():
            message = f"{folder}: no such folder"
            raise CannotStartError(message)
        if not files:
            message = f"{folder}: no pact files (*.json) here"
            raise CannotStartError(message)
        found += files
    return found


def _loaded(path: str | Path) -> Pact:
    try:
        return load_pact(path)
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        raise CannotStartError(message) from error


def _in_state(pact: Pact, pattern: re.Pattern[str], *, also_none: bool) -> Pact:
    """The contract without the interactions of other provider states, as `pact stub` filters them."""
    kept = tuple(
        interaction
        for interaction in pact.interactions
        if any(pattern.search(state.name) for state in interaction.states) or (also_none and not interaction.states)
    )
    if not kept:
        message = f"{pact.source}: no interaction is in a provider state that matches {pattern.pattern!r}"
        raise CannotStartError(message)
    return replace(pact, interactions=kept)
