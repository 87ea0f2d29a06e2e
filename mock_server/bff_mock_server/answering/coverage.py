"""Counts how often each interaction of the contracts has answered."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bff_mock_server.answering.backend import Backend
from bff_mock_server.matching.table import CompiledInteraction


@dataclass(frozen=True, slots=True)
class Use:
    """How often an interaction of a contract was used.

    The response decides: a page without rows does not use an interaction whose page has some, and a response that shows
    the cases of several interactions uses each. Of interactions that ask the same and answer alike, in other provider
    states, the plainest counts, and the others when their own example is asked for. The shape of the endpoint counts
    with each of them. A response to a request that the contract does not allow is a use of none.

    Attributes:
        provider: The participant's name.
        interaction: Its description.
        route: Its endpoint, in the words in which faults are armed.
        path: That of its example.
        status: Of its response.
        times: How often.
    """

    provider: str
    interaction: str
    route: str
    path: str
    status: int
    times: int


def coverage_of(backends: Iterable[Backend], uses: Mapping[CompiledInteraction, int]) -> list[Use]:
    """The use of each interaction, in the order of the contracts; `uses` says how often each has answered."""
    return [use for backend in backends for use in _of_backend(backend, uses)]


def _of_backend(backend: Backend, uses: Mapping[CompiledInteraction, int]) -> Iterator[Use]:
    for endpoint in backend.table.endpoints:
        for entry in (*(entry for case in endpoint.cases for entry in case.entries), *endpoint.refusals):
            yield Use(
                provider=backend.provider,
                interaction=entry.interaction.description,
                route=f"{backend.provider} {endpoint.route}",
                path=entry.interaction.request.path,
                status=entry.interaction.response.status,
                times=uses.get(entry, 0),
            )
