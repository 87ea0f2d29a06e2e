"""The control API under `/_mock/`: what is mocked, what was asked, what goes wrong. FastAPI describes it as OpenAPI."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from bff_contracts.states import CATALOGUE
from bff_mock_server.backend import Backend
from bff_mock_server.faults import Armed, FaultError
from bff_mock_server.journal import SIZE, Exchange, Use, Wanted
from bff_mock_server.mock import Mock
from bff_mock_server.refusals import as_document
from bff_mock_server.replies import phrase
from bff_mock_server.scenarios import ScenarioError, find_scenario, shipped_scenarios
from bff_mock_server.world import StateError, World
from bff_mock_server.worlds import SessionError

_BAD_REQUEST: Final = 400

Session = Annotated[str | None, Query(description="Whose world; the default one when left out.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Teacher(BaseModel):
    """A user to try."""

    user_id: str
    name: str
    purpose: str
    batches: int


class Overview(BaseModel):
    """What is loaded."""

    version: str
    providers: list[str]
    interactions: int
    scenario: str
    about: str
    teachers: list[Teacher]
    faults: list[str]
    sessions: list[str]
    requests: int = Field(description="All since the start, also those that the journal no longer has.")


class Interaction(BaseModel):
    """One interaction of a contract."""

    provider: str
    description: str
    role: str | None
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    states: list[str]
    status: int


class State(BaseModel):
    """A provider state of the catalogue."""

    name: str
    provider: str
    meaning: str
    params: Mapping[str, Any] = Field(description="The JSON schema of its params.")


class Scenarios(BaseModel):
    """The scenarios that can be chosen, and the one that stands."""

    current: str
    known: list[str]


class ScenarioChoice(_Body):
    """Which scenario to begin anew with."""

    scenario: str
    session: str | None = None


class StateCall(_Body):
    """A provider state to make true, or to take back."""

    state: str
    params: dict[str, Any]
    session: str | None = None
    teardown: bool = False


class FaultCall(_Body):
    """What is to go wrong, and where."""

    fault: str = Field(examples=["status=503 rate=0.1; latency=200ms"])
    route: str = Field(default="*", examples=["*", "cms", "ras GET /internal/v1/batches/user/*"])
    about: list[str] = Field(default=[], description="Only for requests that name one of these ids.")
    session: str | None = None


class ArmedFault(BaseModel):
    """Faults that are armed on a route."""

    route: str
    fault: str
    about: list[str]


class Difference(BaseModel):
    """One place where a request is not what the contract asks for."""

    where: str
    rule: str
    expected: str | None
    actual: str | None
    change: str


class JournalEntry(BaseModel):
    """One request and what became of it; `status` is 0 when a fault left no answer."""

    number: int
    at: datetime
    provider: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: str
    status: int
    interaction: str | None
    differences: list[Difference]
    session: str | None
    fault: str


class Verification(_Body):
    """What should have been asked. Without a number, once or more."""

    provider: str | None = None
    method: str | None = None
    path: str | None = Field(default=None, examples=["/internal/v1/batches/user/*"])
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    status: int | None = None
    interaction: str | None = None
    session: str | None = None
    times: int | None = Field(default=None, ge=0, description="Exactly so often.")
    at_least: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)


class Verified(BaseModel):
    """Whether it was asked as often as it should have been, and what was asked."""

    verified: bool
    count: int
    exchanges: list[JournalEntry]


class Coverage(BaseModel):
    """Which interactions of the contracts were used, and how often."""

    used: int
    total: int
    unused: list[str]
    interactions: list["InteractionUse"]


class InteractionUse(BaseModel):
    """How often an interaction answered."""

    provider: str
    interaction: str
    method: str
    path: str
    status: int
    times: int


def create_api(mock: Mock) -> FastAPI:
    """Build the application that controls a mock."""
    api = FastAPI(
        title="bff-mock-server",
        version=version("huleedu-bff-clients"),
        description="Controls the mock of RAS and CMS. Only pages and programs of this machine may use it.",
        openapi_url="/_mock/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
    )
    api.include_router(_reading(mock), prefix="/_mock")
    api.include_router(_changing(mock), prefix="/_mock")
    for error in (FaultError, ScenarioError, SessionError, StateError):
        api.add_exception_handler(error, _bad_request)
    return api


def _reading(mock: Mock) -> APIRouter:
    router = APIRouter()

    @router.get("/", summary="What is loaded")
    async def overview(session: Session = None) -> Overview:
        world = mock.worlds.of(session)
        scenario = mock.worlds.scenario
        return Overview(
            version=version("huleedu-bff-clients"),
            providers=[backend.provider for backend in mock.backends],
            interactions=len(mock.coverage()),
            scenario=world.scenario,
            about=scenario.about,
            teachers=[
                Teacher(user_id=one.user_id, name=one.name, purpose=one.purpose, batches=one.batches)
                for one in scenario.teachers
            ],
            faults=[f"{armed.fault} on {armed.route}" for armed in map(_armed, world.faults)],
            sessions=list(mock.worlds.sessions),
            requests=mock.journal.count,
        )

    @router.get("/health", summary="Whether the mock is up")
    async def health() -> Mapping[str, str]:
        return {"status": "ok"}

    @router.get("/interactions", summary="The interactions of the contracts")
    async def interactions() -> list[Interaction]:
        return [found for backend in mock.backends for found in _interactions(backend)]

    @router.get("/states", summary="The catalogue of provider states")
    async def states() -> list[State]:
        return [
            State(name=one.name, provider=one.provider, meaning=one.meaning, params=one.params.model_json_schema())
            for one in CATALOGUE
        ]

    @router.get("/scenarios", summary="The scenarios that can be chosen")
    async def scenarios(session: Session = None) -> Scenarios:
        return Scenarios(current=mock.worlds.of(session).scenario, known=list(shipped_scenarios()))

    @router.get("/faults", summary="What is armed")
    async def faults(session: Session = None) -> list[ArmedFault]:
        return [_armed(armed) for armed in mock.worlds.of(session).faults]

    @router.get("/journal", summary="The last requests, the latest last")
    async def journal(  # one per filter
        provider: str | None = None,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        session: str | None = None,
        refused: bool | None = None,  # noqa: FBT001
        after: Annotated[int, Query(ge=0, description="Only those numbered above.")] = 0,
        limit: Annotated[int, Query(ge=1, le=SIZE)] = 100,
    ) -> list[JournalEntry]:
        name = mock.providers.get(provider, provider) if provider else None
        wanted = Wanted(name, method, path, status=status, session=session, refused=refused)
        return [_entry(exchange) for exchange in mock.journal.exchanges(wanted, after=after)[-limit:]]

    @router.get("/coverage", summary="Which interactions were used, which never")
    async def coverage() -> Coverage:
        uses = mock.coverage()
        return Coverage(
            used=sum(use.times > 0 for use in uses),
            total=len(uses),
            unused=[f"{use.provider}: {use.interaction}" for use in uses if use.times == 0],
            interactions=[_use(use) for use in uses],
        )

    @router.post("/verify", summary="Was this asked, how often, and with what?")
    async def verify(asked: Verification) -> Verified:
        wanted = Wanted(
            provider=mock.providers.get(asked.provider, asked.provider) if asked.provider else None,
            method=asked.method,
            path=asked.path,
            query=asked.query,
            headers=asked.headers,
            status=asked.status,
            interaction=asked.interaction,
            session=asked.session,
        )
        found = mock.journal.exchanges(wanted)
        return Verified(
            verified=_is_as_often(len(found), asked), count=len(found), exchanges=[_entry(one) for one in found]
        )

    return router


def _changing(mock: Mock) -> APIRouter:
    router = APIRouter()

    @router.put("/scenario", summary="Begin anew as a scenario that the package brings")
    async def choose(choice: ScenarioChoice) -> Scenarios:
        known = shipped_scenarios()
        if choice.scenario not in known:
            # A path would make this an endpoint that reads files.
            message = f"no scenario {choice.scenario!r}; known: {', '.join(known)}"
            raise ScenarioError(message)
        world = mock.worlds.begin_anew(choice.session, find_scenario(choice.scenario))
        return Scenarios(current=world.scenario, known=list(known))

    @router.post("/states", summary="Make a provider state true, or take it back", status_code=204)
    async def set_state(call: StateCall) -> None:
        world: World = mock.worlds.of(call.session)
        (world.teardown if call.teardown else world.apply)(call.state, call.params)

    @router.post("/faults", summary="Let something go wrong from now on")
    async def arm(call: FaultCall) -> ArmedFault:
        return _armed(mock.arm(call.route, call.fault, about=call.about, session=call.session))

    @router.delete("/faults", summary="Let nothing go wrong any more", status_code=204)
    async def disarm(session: Session = None) -> None:
        mock.worlds.of(session).faults = ()

    @router.delete("/journal", summary="Forget what was asked, and which interactions were used", status_code=204)
    async def forget() -> None:
        mock.journal.clear()

    @router.delete("/sessions/{session}", summary="Forget a session and its world", status_code=204)
    async def end(session: str) -> None:
        if not mock.worlds.end(session):
            message = f"there is no session {session!r}"
            raise SessionError(message)

    @router.post("/reset", summary="Begin anew: the scenario as it was, nothing armed", status_code=204)
    async def reset(session: Session = None) -> None:
        mock.worlds.begin_anew(session)

    return router


async def _bad_request(_: Request, error: Exception) -> JSONResponse:
    document = {"type": "about:blank", "title": phrase(_BAD_REQUEST), "status": _BAD_REQUEST, "detail": str(error)}
    return JSONResponse(document, _BAD_REQUEST, media_type="application/problem+json")


def _is_as_often(count: int, asked: Verification) -> bool:
    if asked.times is not None:
        return count == asked.times
    least = asked.at_least if asked.at_least is not None else int(asked.at_most is None)
    return count >= least and (asked.at_most is None or count <= asked.at_most)


def _interactions(backend: Backend) -> list[Interaction]:
    found = [entry.interaction for endpoint in backend.table.endpoints for entry in endpoint.entries]
    found += [refusal for endpoint in backend.table.endpoints for refusal in endpoint.refusals]
    return [
        Interaction(
            provider=backend.provider,
            description=one.description,
            role=one.role,
            method=one.request.method,
            path=one.request.path,
            query=one.request.query,
            states=[state.name for state in one.states],
            status=one.response.status,
        )
        for one in found
    ]


def _armed(armed: Armed) -> ArmedFault:
    return ArmedFault(
        route=str(armed.route),
        fault="; ".join(fault.text for fault in armed.faults),
        about=sorted(armed.route.about),
    )


def _entry(exchange: Exchange) -> JournalEntry:
    return JournalEntry(
        number=exchange.number,
        at=exchange.at,
        provider=exchange.provider,
        method=exchange.method,
        target=exchange.target,
        headers=exchange.headers,
        body=exchange.body.decode("utf-8", "replace"),
        status=exchange.status,
        interaction=exchange.interaction,
        differences=[Difference.model_validate(as_document(one)) for one in exchange.differences],
        session=exchange.session,
        fault=exchange.fault,
    )


def _use(use: Use) -> InteractionUse:
    return InteractionUse(
        provider=use.provider,
        interaction=use.interaction,
        method=use.method,
        path=use.path,
        status=use.status,
        times=use.times,
    )
