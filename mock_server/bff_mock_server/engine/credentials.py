"""Who may ask: keys and service ids are judged as RAS and CMS judge them, before anything else in a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bff_contracts.pact.file import Interaction
from bff_contracts.states import CMS
from bff_mock_server.engine.simulators import KEY, SERVICE
from bff_mock_server.matching.table import UNAUTHORISED, Endpoint, Table

_ANY_SERVICE: Final = frozenset({CMS})
"""Providers that accept any service id, if only there is one."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The refusals of one endpoint."""

    missing: Interaction
    wrong_key: Interaction
    wrong_service: Interaction


class Credentials:
    """The keys and service ids that one provider accepts.

    The contract's own example key (a placeholder) is always among the keys. Service ids are those that the contract
    gets answers with; CMS takes any.

    Attributes:
        hint: A header for refusals that says what would have been accepted.
    """

    def __init__(self, table: Table, keys: frozenset[str]) -> None:
        answered = [
            entry.interaction.request.headers
            for endpoint in table.endpoints
            for entry in endpoint.entries
            if entry.interaction.response.status != UNAUTHORISED
        ]
        self._placeholders = {value for headers in answered for value in headers.get(KEY, ())}
        self._keys = keys | self._placeholders
        self._services = frozenset(value for headers in answered for value in headers.get(SERVICE, ()))
        self._takes_any = table.provider in _ANY_SERVICE
        self.hint = self._hint()
        refusals = tuple(refusal for endpoint in table.endpoints for refusal in endpoint.refusals)
        # An endpoint whose refusals nobody wrote down refuses as the others do.
        gates = (
            (endpoint, self._gate(endpoint.refusals or refusals))
            for endpoint in table.endpoints
            if _is_guarded(endpoint)
        )
        self._gates = {endpoint: gate for endpoint, gate in gates if gate is not None}

    def refusal(self, endpoint: Endpoint, headers: Mapping[str, str]) -> Interaction | None:
        """The contract's refusal of these headers; `None` when they are good, or when the endpoint asks for none."""
        gate = self._gates.get(endpoint)
        if gate is None:
            return None
        key, service = headers.get(KEY), headers.get(SERVICE)
        if not key or not service:
            return gate.missing
        if key not in self._keys:
            return gate.wrong_key
        return None if self._takes_any or service in self._services else gate.wrong_service

    def _hint(self) -> tuple[bytes, bytes]:
        # The body of a refusal is the contract's; the way out of it has to stand beside it.
        keys = " or ".join(sorted(self._placeholders)) or "(none is needed)"
        services = "anything" if self._takes_any else " or ".join(sorted(self._services))
        text = f"X-Internal-API-Key: {keys}, or the mock's --api-key; X-Service-ID: {services}"
        return b"x-mock-hint", text.encode("ascii", "replace")

    def _gate(self, refusals: Sequence[Interaction]) -> Gate | None:
        if not refusals:
            return None
        missing = wrong_key = wrong_service = None
        for refusal in refusals:
            sent = refusal.request.headers
            if KEY not in sent or SERVICE not in sent:
                missing = missing or refusal
            elif self._services.isdisjoint(sent[SERVICE]):
                wrong_service = wrong_service or refusal
            else:
                wrong_key = wrong_key or refusal
        first = refusals[0]
        wrong_key = wrong_key or wrong_service or first
        return Gate(missing or first, wrong_key, wrong_service or wrong_key)


def _is_guarded(endpoint: Endpoint) -> bool:
    return bool(endpoint.refusals) or any(KEY in entry.interaction.request.headers for entry in endpoint.entries)
