"""Checks keys and service ids as RAS and CMS do, before anything else in a request."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bff_contracts.http import header_label
from bff_contracts.platform import BY_NAME, KEY_HEADER, SERVICE_HEADER
from bff_mock_server.matching.table import UNAUTHORISED, CompiledInteraction, Endpoint, Table


class EndpointRefusals(NamedTuple):
    """The refusals of one endpoint, by reason; a reason without a refusal in the contract gets the most similar one."""

    missing: Sequence[CompiledInteraction]
    wrong_key: Sequence[CompiledInteraction]
    wrong_service: Sequence[CompiledInteraction]


class Credentials:
    """The keys and service ids that one provider accepts.

    The contract's own example key (a placeholder) is always among the keys. Service ids are those of the contract's
    successful interactions, unless the provider accepts any.

    Attributes:
        hint: A header of refusals with the accepted values.
    """

    def __init__(self, table: Table, keys: frozenset[str]) -> None:
        answered = [
            entry.interaction.request.headers
            for endpoint in table.endpoints
            for entry in endpoint.entries
            if entry.interaction.response.status != UNAUTHORISED
        ]
        self._placeholders = {value for headers in answered for value in headers.get(KEY_HEADER, ())}
        self._keys = keys | self._placeholders
        self._services = frozenset(value for headers in answered for value in headers.get(SERVICE_HEADER, ()))
        provider = BY_NAME.get(table.provider)
        self._takes_any = provider is not None and provider.takes_any_service
        self.hint = self._hint()
        refusals = tuple(refusal for endpoint in table.endpoints for refusal in endpoint.refusals)
        # An endpoint without refusals in the contract refuses as the others do.
        gates = (
            (endpoint, self._gate(endpoint.refusals or refusals))
            for endpoint in table.endpoints
            if _is_guarded(endpoint)
        )
        self._gates = {endpoint: gate for endpoint, gate in gates if gate is not None}

    def refusal(self, endpoint: Endpoint | None, headers: Mapping[str, str]) -> CompiledInteraction | None:
        """The contract's refusal of these headers; `None` when they are good, or when the endpoint asks for none."""
        gate = self._gates.get(endpoint) if endpoint is not None else None
        if gate is None:
            return None
        key, service = headers.get(KEY_HEADER), headers.get(SERVICE_HEADER)
        if not key or not service:
            return max(gate.missing, key=lambda one: _likeness(one, headers))
        if key not in self._keys:
            return gate.wrong_key[0]
        if self._takes_any or service in self._services:
            return None
        return max(gate.wrong_service, key=lambda one: self._likeness_of_service(one, service))

    def _hint(self) -> tuple[bytes, bytes]:
        # The body of a refusal is the contract's, so the hint is a header.
        keys = " or ".join(sorted(self._placeholders)) or "(none is needed)"
        services = "anything" if self._takes_any else " or ".join(sorted(self._services))
        text = (
            f"{header_label(KEY_HEADER)}: {keys}, or the mock's --api-key; {header_label(SERVICE_HEADER)}: {services}"
        )
        return b"x-mock-hint", text.encode("ascii", "replace")

    def _gate(self, refusals: Sequence[CompiledInteraction]) -> EndpointRefusals | None:
        if not refusals:
            return None
        missing: list[CompiledInteraction] = []
        wrong_key: list[CompiledInteraction] = []
        wrong_service: list[CompiledInteraction] = []
        for refusal in refusals:
            sent = refusal.interaction.request.headers
            if KEY_HEADER not in sent or SERVICE_HEADER not in sent:
                missing.append(refusal)
            elif self._services.isdisjoint(sent[SERVICE_HEADER]):
                wrong_service.append(refusal)
            else:
                wrong_key.append(refusal)
        first = [refusals[0]]
        wrong_key = wrong_key or wrong_service or first
        return EndpointRefusals(missing or first, wrong_key, wrong_service or wrong_key)

    def _likeness_of_service(self, refusal: CompiledInteraction, service: str) -> tuple[bool, bool]:
        """The similarity of a wrong service id to that of a refusal: the same, or wrong in the same way."""
        examples = refusal.interaction.request.headers[SERVICE_HEADER]
        mistakes = {self._mistake(example) for example in examples}
        return service in examples, self._mistake(service) in mistakes

    def _mistake(self, service: str) -> str:
        if service.casefold() in {known.casefold() for known in self._services}:
            return "case"
        return "beginning" if any(known.startswith(service) for known in self._services) else "another"


def _likeness(refusal: CompiledInteraction, headers: Mapping[str, str]) -> tuple[bool, int]:
    """The similarity of a request without a key or service id to a refusal: which of both it has, and other headers."""
    names = refusal.interaction.request.headers.keys()
    has_same = all(bool(headers.get(name)) == (name in names) for name in (KEY_HEADER, SERVICE_HEADER))
    return has_same, len(names) if names <= headers.keys() else 0


def _is_guarded(endpoint: Endpoint) -> bool:
    return bool(endpoint.refusals) or any(KEY_HEADER in entry.interaction.request.headers for entry in endpoint.entries)
