"""Endpoints that a provider has not built yet: expected to fail, and reported as soon as they pass."""

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bff_contracts.pact.file import Interaction
from bff_contracts.verification.arguments import CannotVerify, contract_of
from bff_contracts.verification.outcomes import Outcome
from bff_contracts.verification.result import NotVerified

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

_REFUSALS: Final = {401, 403}
_ENTRY: Final = re.compile(r"(?:([A-Za-z]+)\s+)?((?:/|…|\*|\.\.\.)\S*)")
_ANYTHING: Final = re.compile(r"(?:…|\.\.\.|\*)+")
_SEGMENT: Final = re.compile(r"\{[^{}/]+\}|<[^<>/]+>")
"""A parameter of a path, as FastAPI (`{batch_id}`) and Quart (`<batch_id>`) write it."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NotYet:
    """The interactions of a contract that are declared as not yet.

    An interaction that expects a refusal of a wrong key may pass before its endpoint exists, because providers often
    check the key for all routes in one place. So it may fail, and it may pass.
    """

    def __init__(self, entries: Sequence[str], provider: str, *, pact: Path | str | None = None) -> None:
        """Declare endpoints.

        Args:
            entries: Endpoints, such as `GET /internal/v1/batches/validation-status`; `…`, `...` and `*` match any
                part of a path, `{name}` and `<name>` one segment of it, and the method may be left out.
            provider: Whose contract it is.
            pact: Another contract than the one in this package.

        Raises:
            CannotVerify: An entry is not an endpoint, or the contract has no such endpoint.
        """
        if isinstance(entries, str):
            raise CannotVerify(f"not_yet: expected a list of endpoints, such as [{entries!r}], not a text")
        interactions = contract_of(provider, pact).interactions
        self._entries: dict[str, str] = {}
        self._refusals = {each.description for each in interactions if each.response.status in _REFUSALS}
        for entry in entries:
            found = _matching(entry, interactions)
            if not found:
                raise CannotVerify(_unknown(entry, provider, interactions))
            self._entries.update(dict.fromkeys(found, entry))

    def entry_for(self, interaction: str) -> str | None:
        """The entry that an interaction is declared by."""
        return self._entries.get(interaction)

    def may_pass(self, interaction: str) -> bool:
        """Whether a declared interaction may pass without being a failure."""
        return interaction in self._refusals

    def judged(self, outcome: Outcome) -> Outcome:
        """The outcome, marked as declared where its interaction is."""
        entry = self.entry_for(outcome.interaction)
        if entry is None or (outcome.verified and self.may_pass(outcome.interaction)):
            return outcome
        return replace(outcome, not_yet=entry)


def cases_of(
    provider: str, *, not_yet: Sequence[str] = (), pact: Path | str | None = None
) -> "list[ParameterSet | str]":
    """The names of the interactions of a provider's contract, as parameters of a pytest test.

    An interaction that is declared as not yet is marked `xfail(strict=True)`: its test fails as soon as it passes.

    Args:
        provider: Its name in the contract; `ras` and `cms` will do.
        not_yet: The endpoints that are not built yet, as `NotYet` takes them.
        pact: Another contract than the one that this package brings.

    Raises:
        CannotVerify: There is no contract with such a provider, or no such endpoint.
    """
    import pytest  # noqa: PLC0415  # those who verify without it need none

    declared = NotYet(not_yet, provider, pact=pact)

    def case(name: str) -> Any:
        entry = declared.entry_for(name)
        if entry is None:
            return name
        strict = not declared.may_pass(name)
        mark = pytest.mark.xfail(
            raises=NotVerified, strict=strict, reason=f"declared as not yet: {entry} (remove the entry once it passes)"
        )
        return pytest.param(name, marks=mark, id=name)

    return [case(each.description) for each in contract_of(provider, pact).interactions]


def _matching(entry: str, interactions: Sequence[Interaction]) -> list[str]:
    found = _ENTRY.fullmatch(entry.strip())
    if found is None or "?" in entry:
        hint = "without its query" if found else "such as 'GET …/validation-status'"
        raise CannotVerify(f"not yet: expected an endpoint, {hint}, not {entry!r}")
    method = found[1] and found[1].upper()
    path = ".*".join(map(_pattern, _ANYTHING.split(found[2].rstrip("/"))))
    return [
        each.description
        for each in interactions
        if method in {None, each.request.method} and re.fullmatch(path, each.request.path)
    ]


def _pattern(text: str) -> str:
    return "[^/]+".join(map(re.escape, _SEGMENT.split(text)))


def _unknown(entry: str, provider: str, interactions: Sequence[Interaction]) -> str:
    endpoints = sorted({_UUID.sub("{id}", f"{each.request.method} {each.request.path}") for each in interactions})
    short = [f"{each.partition(' ')[0]} …/{each.rpartition('/')[2]}" for each in endpoints]
    near = get_close_matches(f"GET …/{entry.rpartition('/')[2]}", short, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    known = "\n  ".join(endpoints)
    return f"not yet: the contract with {provider} has no endpoint {entry!r}.{hint} It has\n  {known}"
