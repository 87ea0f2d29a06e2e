"""Serves the control API under `/_mock/`: backends, journal, states and faults, described as OpenAPI by FastAPI."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from bff_contracts.platform import BY_NAME, DISTRIBUTION
from bff_contracts.states import CATALOGUE
from bff_mock_server._suggest import meant
from bff_mock_server.answering.exchange import Wanted
from bff_mock_server.answering.journal import SIZE
from bff_mock_server.answering.mock import Mock, UnknownProviderError
from bff_mock_server.control.events import events
from bff_mock_server.control.views import (
    ArmedFault,
    Coverage,
    FaultCall,
    InteractionView,
    JournalEntry,
    Overview,
    ScenarioChoice,
    Scenarios,
    Served,
    StateChange,
    StateView,
    VerifyRequest,
    VerifyResult,
)
from bff_mock_server.faults.spec import FaultError
from bff_mock_server.responses.reply import problem
from bff_mock_server.world.rows import StateError
from bff_mock_server.world.scenarios import ScenarioError, find_scenario, shipped_scenarios
from bff_mock_server.world.sessions import EVERY_SESSION, SessionError, check_session

_BAD_REQUEST: Final = 400
_MOST_STREAMS: Final = 32
"""The most pages that may follow at once: each is a connection, and polls the journal four times a second."""
_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/exchange.js": ("exchange.js", "text/javascript"),
    "/page.js": ("page.js", "text/javascript"),
}
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

_REFUSAL: Final[dict[str, Any]] = {
    "description": "Why it is not done.",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
_NAMED: Final = "The session, for its world and its requests; without it the default. `*` reads all sessions."

_PARAMETERS: Final = ("provider", "method", "path", "status", "session", "refused", "after", "limit")
"""The query parameters of all routes under `/_mock`."""


class ParameterError(ValueError):
    """A parameter that no route has."""


def _session(
    request: Request,
    header: Annotated[str | None, Header(alias="X-Mock-Session", description=_NAMED)] = None,  # noqa: ARG001
    parameter: Annotated[str | None, Query(alias="session", description=_NAMED)] = None,  # noqa: ARG001
) -> str | None:
    """The session that a request of the control API is about, by header or by parameter.

    The arguments are declared for the OpenAPI description only: of several values FastAPI would pass one.

    Raises:
        SessionError: They name different sessions, or the id is invalid.
    """
    headers, parameters = request.headers.getlist("x-mock-session"), request.query_params.getlist("session")
    named = {*headers, *parameters}
    if len(named) > 1:
        sources = (("X-Mock-Session names", headers), ("the parameter session names", parameters))
        named_by = (
            f"{what} {', '.join(repr(one[:128]) for one in several[:3])}" for what, several in sources if several
        )
        raise SessionError(" and ".join(named_by))
    session = next(iter(named), None)
    if session is not None and session != EVERY_SESSION:
        check_session(session)
    return session


async def _check_parameters(request: Request) -> None:
    """Refuse a misspelled parameter: `?sesion=a` would be about the default world.

    Raises:
        ParameterError: No route has such a parameter.
    """
    unknown = next((name for name in request.query_params if name not in _PARAMETERS), None)
    if unknown is not None:
        message = f"unknown parameter {unknown[:128]!r}; {meant(unknown, _PARAMETERS)}"
        raise ParameterError(message)


Session = Annotated[str | None, Depends(_session)]


def create_api(mock: Mock, *, is_closing: Callable[[], bool] = lambda: False) -> FastAPI:
    """Build the application that controls a mock; its streams end when `is_closing` says so."""
    api = FastAPI(
        title="bff-mock-server",
        version=version(DISTRIBUTION),
        description="Controls the mock of RAS and CMS. Only pages and programs of this machine may use it.",
        openapi_url="/_mock/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
    )
    for router in (_reading(mock), _requests(mock), _changing(mock), _failing(mock)):
        api.include_router(
            router, prefix="/_mock", dependencies=[Depends(_check_parameters)], responses={400: _REFUSAL, 422: _REFUSAL}
        )
    api.include_router(_page(mock, is_closing))
    for error in (FaultError, ParameterError, ScenarioError, SessionError, StateError, UnknownProviderError):
        api.add_exception_handler(error, _bad_request)
    api.add_exception_handler(RequestValidationError, _malformed_body)
    api.add_exception_handler(404, _not_found)
    return api


def _served(mock: Mock, provider: str) -> Served:
    known = BY_NAME.get(provider)
    return Served(
        provider=provider,
        label=provider if known is None else known.label,
        url=mock.urls.get(provider),
        proxied=mock.proxied.get(provider),
    )


def _reading(mock: Mock) -> APIRouter:
    router = APIRouter()

    @router.get("/", summary="What is loaded")
    async def overview(session: Session = None) -> Overview:
        world, scenario = mock.sessions.look(session), mock.sessions.scenario_of(session)
        return Overview(
            version=version(DISTRIBUTION),
            backends=[_served(mock, one.provider) for one in mock.backends],
            scenario=scenario.name,
            about=scenario.about,
            teachers=list(scenario.teachers),
            faults=[ArmedFault.of(armed) for armed in world.faults],
            sessions=list(mock.sessions.names),
            problem=mock.problem,
            requests=mock.journal.count,
        )

    @router.get("/health", summary="Whether the mock is up")
    async def health() -> Mapping[str, str]:
        return {"status": "ok"}

    @router.get("/interactions", summary="The interactions of the contracts")
    async def interactions() -> list[InteractionView]:
        return [
            InteractionView.of(backend.provider, one) for backend in mock.backends for one in backend.pact.interactions
        ]

    @router.get("/states", summary="The catalogue of provider states")
    async def states() -> list[StateView]:
        return [StateView.of(state) for state in CATALOGUE]

    @router.get("/scenarios", summary="The scenarios that can be chosen")
    async def scenarios(session: Session = None) -> Scenarios:
        return Scenarios(current=mock.sessions.scenario_of(session).name, known=list(shipped_scenarios()))

    return router


def _requests(mock: Mock) -> APIRouter:
    router = APIRouter()

    @router.get("/journal", summary="The recorded requests, the latest last")
    async def journal(  # one per filter
        provider: str | None = None,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        session: Session = None,
        refused: bool | None = None,  # noqa: FBT001
        after: Annotated[int, Query(ge=0, description="Only requests with a higher number.")] = 0,
        limit: Annotated[int, Query(ge=1, le=SIZE)] = 100,
    ) -> list[JournalEntry]:
        name = mock.provider_named(provider) if provider else None
        wanted = Wanted(name, method, path, status=status, session=session, refused=refused)
        return [JournalEntry.model_validate(one) for one in mock.journal.exchanges(wanted, after=after)[-limit:]]

    @router.get("/coverage", summary="How often each interaction was used")
    async def coverage(session: Session = None) -> Coverage:
        uses = mock.coverage(session)
        return Coverage(
            used=sum(use.times > 0 for use in uses),
            total=len(uses),
            unused=[f"{use.provider}: {use.interaction}" for use in uses if use.times == 0],
            interactions=uses,
        )

    @router.post("/verify", summary="Verify that a request was sent, and how often")
    async def verify(asked: VerifyRequest, session: Session = None) -> VerifyResult:
        wanted = asked.wanted(mock.provider_named, session)
        found = mock.journal.exchanges(wanted)
        return VerifyResult(
            verified=asked.is_as_often(len(found)),
            count=len(found),
            exchanges=[JournalEntry.model_validate(one) for one in found],
        )

    return router


def _changing(mock: Mock) -> APIRouter:
    router = APIRouter()

    @router.put("/scenario", summary="Restart with a shipped scenario")
    async def choose_scenario(choice: ScenarioChoice, session: Session = None) -> Scenarios:
        known = shipped_scenarios()
        if choice.scenario not in known:
            # A path would make this an endpoint that reads files.
            message = f"no scenario {choice.scenario!r}; {meant(choice.scenario, known)}"
            raise ScenarioError(message)
        mock.sessions.restart(session, find_scenario(choice.scenario))
        return Scenarios(current=choice.scenario, known=list(known))

    @router.post("/states", summary="Set up or tear down a provider state", status_code=204, response_class=Response)
    async def change_state(call: StateChange, session: Session = None) -> None:
        mock.sessions.world_of(session).set_state(call.state, call.params, teardown=call.teardown)

    @router.delete(
        "/journal",
        summary="Clear the recorded requests and the coverage",
        status_code=204,
        response_class=Response,
    )
    async def clear_journal(session: Session = None) -> None:
        mock.journal.clear(session)

    @router.delete(
        "/sessions/{session:path}",
        summary="Delete a session, its world and its requests",
        status_code=204,
        response_class=Response,
    )
    async def delete_session(session: str) -> None:
        if not mock.end(session):
            message = f"there is no session {session!r}"
            raise SessionError(message)

    @router.post(
        "/reset",
        summary="Restart with the present scenario, and disarm all faults",
        status_code=204,
        response_class=Response,
    )
    async def reset(session: Session = None) -> None:
        mock.sessions.restart(session)

    return router


def _failing(mock: Mock) -> APIRouter:
    router = APIRouter()

    @router.get("/faults", summary="What is armed")
    async def faults(session: Session = None) -> list[ArmedFault]:
        return [ArmedFault.of(armed) for armed in mock.sessions.look(session).faults]

    @router.post("/faults", summary="Arm a fault")
    async def arm_fault(call: FaultCall, session: Session = None) -> ArmedFault:
        return ArmedFault.of(mock.arm(call.route, call.fault, about=call.about, session=session))

    @router.delete("/faults", summary="Disarm all faults", status_code=204, response_class=Response)
    async def disarm_all_faults(session: Session = None) -> None:
        mock.disarm(session=session)

    @router.delete("/faults/{number}", summary="Disarm one fault", status_code=204, response_class=Response)
    async def disarm_fault(number: int, session: Session = None) -> None:
        mock.disarm(number, session=session)

    return router


def _page(mock: Mock, is_closing: Callable[[], bool]) -> APIRouter:
    """The control page, made of four files and nothing from elsewhere."""
    router = APIRouter(include_in_schema=False)
    streams: set[object] = set()

    @router.get("/_mock/events", response_model=None)
    async def stream(after: Annotated[int, Query(ge=0)] = 0, start: str = "") -> Response:
        if len(streams) >= _MOST_STREAMS:
            return _problem(503, f"{_MOST_STREAMS} pages are following already; close one of them.")
        following = _counted(events(mock, after=after, start=start, is_closing=is_closing), streams)
        return StreamingResponse(following, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    for path, (name, media_type) in _FILES.items():
        content = (files("bff_mock_server.control") / "pages" / name).read_bytes()
        router.add_api_route(path, partial(_file, content, media_type))
    return router


async def _counted(stream: AsyncIterator[str], streams: set[object]) -> AsyncIterator[str]:
    """A stream that counts as open while a client reads it."""
    streams.add(stream)
    try:
        async for event in stream:
            yield event
    finally:
        streams.discard(stream)


async def _file(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers=_PAGE_HEADERS)


async def _bad_request(_: Request, error: Exception) -> Response:
    return _problem(_BAD_REQUEST, str(error))


async def _malformed_body(request: Request, error: Exception) -> Response:
    found = cast("RequestValidationError", error).errors()
    places = (f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in found)
    kind = request.headers.get("content-type", "")
    hint = "" if "json" in kind or not await request.body() else "; the body needs Content-Type: application/json"
    return _problem(422, "; ".join(places) + hint)


async def _not_found(request: Request, _: Exception) -> Response:
    return _problem(404, f"There is no {request.url.path}; /_mock/openapi.json lists the paths.")


def _problem(status: int, detail: str) -> Response:
    reply = problem(status, detail)
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Response(reply.body, reply.status, headers)
