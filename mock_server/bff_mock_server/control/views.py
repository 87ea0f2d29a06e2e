"""Defines the request and response models of the control API."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bff_contracts.pact import file as pact_file
from bff_contracts.states import ProviderState
from bff_mock_server.answering.coverage import Use
from bff_mock_server.answering.exchange import Violation, Wanted
from bff_mock_server.faults.spec import Armed
from bff_mock_server.matching.request import is_secret
from bff_mock_server.matching.table import CompiledInteraction
from bff_mock_server.world.scenarios import Teacher


def _text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class _RequestBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Overview(BaseModel):
    """What is loaded."""

    version: str
    backends: list["Served"]
    scenario: str
    about: str
    teachers: list[Teacher]
    faults: list["ArmedFault"]
    sessions: list[str]
    problem: str = Field(description="A problem that people should know about; empty if there is none.")
    requests: int = Field(description="All since the start, also those that the journal no longer has.")


class Served(BaseModel):
    """A provider, its URL at the mock, and its real URL if requests are passed on."""

    provider: str
    label: str = Field(description="Its short name.")
    url: str | None
    proxied: str | None


class InteractionView(BaseModel):
    """One interaction of a contract."""

    provider: str
    description: str
    role: str | None
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    states: list[str]
    status: int

    @classmethod
    def of(cls, provider: str, interaction: pact_file.Interaction) -> Self:
        """The view of an interaction as it is in its file."""
        return cls(
            provider=provider,
            description=interaction.description,
            role=interaction.role,
            method=interaction.request.method,
            path=interaction.request.path,
            query=interaction.request.query,
            states=[state.name for state in interaction.states],
            status=interaction.response.status,
        )


class StateView(BaseModel):
    """A provider state of the catalogue."""

    name: str
    provider: str
    meaning: str
    params: Mapping[str, Any] = Field(description="The JSON schema of its params.")

    @classmethod
    def of(cls, state: ProviderState) -> Self:
        """The view of a state of the catalogue."""
        params = state.params.model_json_schema()
        return cls(name=state.name, provider=state.provider, meaning=state.meaning, params=params)


class Scenarios(BaseModel):
    """The scenarios to choose from, and the present one."""

    current: str
    known: list[str]


class ScenarioChoice(_RequestBody):
    """Which scenario to restart with."""

    scenario: str


class StateChange(_RequestBody):
    """A provider state to set up or tear down."""

    state: str
    params: dict[str, Any]
    teardown: bool = False


class FaultCall(_RequestBody):
    """A fault to arm, and its route."""

    fault: str = Field(examples=["status=503 rate=0.1; latency=200ms"])
    route: str = Field(default="*", examples=["*", "cms", "ras GET /internal/v1/batches/user/*"])
    about: list[str] = Field(default=[], description="Only for requests with one of these ids.")


class ArmedFault(BaseModel):
    """Faults that are armed on a route."""

    number: int = Field(description="DELETE /_mock/faults/{number} disarms these alone.")
    route: str
    fault: str
    about: list[str]

    @classmethod
    def of(cls, armed: Armed) -> Self:
        """The view of faults that are armed."""
        fault = "; ".join(fault.text for fault in armed.faults)
        return cls(number=armed.number, route=str(armed.route), fault=fault, about=sorted(armed.route.about))


class DifferenceView(BaseModel):
    """One place where a request is not what the contract asks for."""

    model_config = ConfigDict(from_attributes=True)

    where: str
    rule: str
    expected: str | None
    actual: str | None
    change: str


class ResponseView(BaseModel):
    """A response of the mock before a fault cut it off."""

    model_config = ConfigDict(from_attributes=True)

    headers: Mapping[str, str]
    text: str = Field(description="The first 2,000 bytes of the body; longer ones end in … and their size.")
    size: int


class NearestView(BaseModel):
    """The interaction that a request is closest to, as its example asks."""

    interaction: str
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str] = Field(description="Without keys.")


def _nearest(value: object) -> object:
    if not isinstance(value, CompiledInteraction):
        return value
    request = value.interaction.request
    headers = {name: ", ".join(values) for name, values in request.headers.items() if not is_secret(name)}
    return NearestView(
        interaction=value.interaction.description,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=headers,
    )


class JournalEntry(BaseModel):
    """One request and its response; `status` is 0 if a fault left no response."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    at: datetime
    provider: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: Annotated[str, BeforeValidator(_text)]
    status: int
    refused: bool = Field(validation_alias="is_refused", description="Refused by the mock itself.")
    interaction: str | None = Field(description="What answered; None for a refusal or a fault's status.")
    interactions: list[str] = Field(
        description="All interactions that the response belongs to, as coverage counts them."
    )
    differences: list[DifferenceView]
    nearest: Annotated[NearestView | None, BeforeValidator(_nearest)] = Field(
        description="The interaction that the differences refer to."
    )
    session: str | None
    fault: str
    violations: list[Violation]
    reason: str
    seconds: float = Field(description="Until the response began, including an armed latency.")
    response: ResponseView | None = Field(description="None when a fault left no response, and for a real service.")


class VerifyRequest(_RequestBody):
    """The requests that are expected. Without a number, at least one; `*` matches any part of a path."""

    provider: str | None = None
    method: str | None = None
    path: str | None = Field(default=None, examples=["/internal/v1/batches/user/*"])
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    status: int | None = None
    interaction: str | None = None
    body: str | None = Field(default=None, description="Part of the request's body.")
    times: int | None = Field(default=None, ge=0, description="Exactly this number of requests.")
    at_least: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)

    def wanted(self, provider_named: Callable[[str], str], session: str | None) -> Wanted:
        """The filter for exchanges; `provider_named` resolves the names of providers."""
        asked: dict[str, Any] = self.model_dump(exclude={"times", "at_least", "at_most"})
        if self.provider is not None:
            asked["provider"] = provider_named(self.provider)
        return Wanted(**asked, session=session)

    def is_as_often(self, count: int) -> bool:
        """Whether this number of requests is as expected."""
        if self.times is not None:
            return count == self.times
        least = self.at_least if self.at_least is not None else int(self.at_most is None)
        return count >= least and (self.at_most is None or count <= self.at_most)


class VerifyResult(BaseModel):
    """Whether the requests were sent as often as expected, and what was sent."""

    verified: bool
    count: int
    exchanges: list[JournalEntry]


class Coverage(BaseModel):
    """Which interactions of the contracts were used, and how often."""

    used: int
    total: int
    unused: list[str]
    interactions: list[Use]
