"""Which interaction an answer is of: a request alone does not tell "none" from "past the end"."""

from collections.abc import Iterator, Mapping, Sequence

from bff_contracts.platform import KEY_HEADER, SERVICE_HEADER
from bff_mock_server.engine.simulators import Simulated
from bff_mock_server.matching.table import Case, CompiledInteraction, Endpoint, Table
from bff_mock_server.responses.reply import Reply


class Attribution:
    """The interactions of a contract by what they ask and by the kind of their answer.

    Args:
        table: The contract.
        simulated: The endpoints whose answers have kinds; of all others the interaction that was matched has answered.
    """

    def __init__(self, table: Table, simulated: Mapping[Endpoint, Simulated]) -> None:
        self._of_kind: dict[tuple[Case, int, object], CompiledInteraction] = {}
        self._counted: dict[CompiledInteraction, Sequence[CompiledInteraction]] = {}
        for endpoint in table.endpoints:
            for refusal in endpoint.refusals:
                self._counted[refusal] = [one for one in endpoint.refusals if _reason(one) == _reason(refusal)]
            if endpoint in simulated:
                for case in endpoint.cases:
                    self._add(case, endpoint, simulated[endpoint])

    def of(
        self, endpoint: Endpoint | None, case: Case, matched: CompiledInteraction, reply: Reply
    ) -> CompiledInteraction:
        """The interaction that a reply is of: the pinned one with answers of its kind, else the endpoint's shape."""
        if reply.kind is None or endpoint is None:
            return matched
        found = self._of_kind.get((case, reply.status, reply.kind))
        if found is not None:
            return found
        shape = endpoint.shape
        if shape is not None and shape.interaction.response.status == reply.status:
            return shape
        return endpoint.with_status(reply.status) or matched

    def counted(self, entry: CompiledInteraction) -> Sequence[CompiledInteraction]:
        """The interactions that are used when one has answered: its shape, and those that cannot be told from it."""
        return self._counted.get(entry, (entry,))

    def _add(self, case: Case, endpoint: Endpoint, simulated: Simulated) -> None:
        groups: dict[tuple[int, object], list[CompiledInteraction]] = {}
        for entry in case.entries:
            if entry is not endpoint.shape:
                interaction = entry.interaction
                kind = simulated.kind_of(interaction.response.body, interaction.request.query)
                groups.setdefault((interaction.response.status, kind), []).append(entry)
        for (status, kind), entries in groups.items():
            self._of_kind[case, status, kind] = entries[0]
            self._counted[entries[0]] = [*entries, *_shape_with(status, endpoint)]


def _shape_with(status: int, endpoint: Endpoint) -> Iterator[CompiledInteraction]:
    """The shape, which every answer of its status has."""
    if endpoint.shape is not None and endpoint.shape.interaction.response.status == status:
        yield endpoint.shape


def _reason(refusal: CompiledInteraction) -> str:
    """Why credentials are refused: for one reason one refusal answers, whatever else the request has."""
    request = refusal.interaction.request
    if not {KEY_HEADER, SERVICE_HEADER} <= request.headers.keys():
        return "missing"
    return "service" if KEY_HEADER in request.header_rules else "key"
