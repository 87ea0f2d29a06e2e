"""Serves the control API under `/_mock/`: backends, journal, states and faults, described as OpenAPI by FastAPI."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated, Any, Final, NamedTuple, cast

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from bff_contracts.http import AsgiApp, Receive, Scope, Send
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


class Controlled(NamedTuple):
    """What a request controls; it is in the request's `state`.

    Attributes:
        mock: The mock.
        streams: Its open event streams.
        is_closing: Whether the server is about to stop, which ends the streams.
    """

    mock: Mock
    streams: set[object]
    is_closing: Callable[[], bool]


class ParameterError(ValueError):
    """A parameter that no route has."""


async def _controlled(request: Request) -> Controlled:
    return cast("Controlled", request.state.controlled)


async def _mock(controlled: Annotated[Controlled, Depends(_controlled)]) -> Mock:
    return controlled.mock


async def _session(
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


Mocked = Annotated[Mock, Depends(_mock)]
Session = Annotated[str | None, Depends(_session)]

_ROUTES: Final = APIRouter(
    prefix="/_mock", dependencies=[Depends(_check_parameters)], responses={400: _REFUSAL, 422: _REFUSAL}
)
_PAGE: Final = APIRouter(include_in_schema=False)
"""The control page, made of four files and nothing from elsewhere, and its events."""


def _served(mock: Mock, provider: str) -> Served:
    known = BY_NAME.get(provider)
    return Served(
        provider=provider,
        label=provider if known is None else known.label,
        url=mock.urls.get(provider),
        proxied=mock.proxied.get(provider),
    )


@_ROUTES.get("/")
async def overview(mock: Mocked, session: Session = None) -> Overview:
    """What is loaded."""
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


@_ROUTES.get("/health")
async def health() -> Mapping[str, str]:
    """Whether the mock is up."""
    return {"status": "ok"}


@_ROUTES.get("/interactions")
async def interactions(mock: Mocked) -> list[InteractionView]:
    """The interactions of the contracts."""
    return [InteractionView.of(backend.provider, one) for backend in mock.backends for one in backend.pact.interactions]


@_ROUTES.get("/states")
async def states() -> list[StateView]:
    """The catalogue of provider states."""
    return [StateView.of(state) for state in CATALOGUE]


@_ROUTES.get("/scenarios")
async def scenarios(mock: Mocked, session: Session = None) -> Scenarios:
    """The scenarios that can be chosen."""
    return Scenarios(current=mock.sessions.scenario_of(session).name, known=list(shipped_scenarios()))


async def _wanted(
    mock: Mocked,
    provider: str | None = None,
    method: str | None = None,
    path: str | None = None,
    status: int | None = None,
    session: Session = None,
    refused: bool | None = None,  # noqa: FBT001
) -> Wanted:
    """The filter in the parameters of a request.

    Raises:
        UnknownProviderError: There is no such provider.
    """
    name = mock.provider_named(provider) if provider else None
    return Wanted(name, method, path, status=status, session=session, refused=refused)


@_ROUTES.get("/journal")
async def journal(
    mock: Mocked,
    wanted: Annotated[Wanted, Depends(_wanted)],
    after: Annotated[int, Query(ge=0, description="Only requests with a higher number.")] = 0,
    limit: Annotated[int, Query(ge=1, le=SIZE)] = 100,
) -> list[JournalEntry]:
    """The recorded requests, the latest last."""
    return [JournalEntry.model_validate(one) for one in mock.journal.exchanges(wanted, after=after)[-limit:]]


@_ROUTES.get("/coverage")
async def coverage(mock: Mocked, session: Session = None) -> Coverage:
    """How often each interaction was used."""
    uses = mock.coverage(session)
    return Coverage(
        used=sum(use.times > 0 for use in uses),
        total=len(uses),
        unused=[f"{use.provider}: {use.interaction}" for use in uses if use.times == 0],
        interactions=uses,
    )


@_ROUTES.post("/verify")
async def verify(mock: Mocked, asked: VerifyRequest, session: Session = None) -> VerifyResult:
    """Verify that a request was sent, and how often."""
    wanted = asked.wanted(mock.provider_named, session)
    found = mock.journal.exchanges(wanted)
    return VerifyResult(
        verified=asked.is_as_often(len(found)),
        count=len(found),
        exchanges=[JournalEntry.model_validate(one) for one in found],
    )


@_ROUTES.put("/scenario")
async def choose_scenario(mock: Mocked, choice: ScenarioChoice, session: Session = None) -> Scenarios:
    """Restart with a shipped scenario."""
    known = shipped_scenarios()
    if choice.scenario not in known:
        # A path would make this an endpoint that reads files.
        message = f"no scenario {choice.scenario!r}; {meant(choice.scenario, known)}"
        raise ScenarioError(message)
    mock.sessions.restart(session, find_scenario(choice.scenario))
    return Scenarios(current=choice.scenario, known=list(known))


@_ROUTES.post("/states", status_code=204, response_class=Response)
async def change_state(mock: Mocked, call: StateChange, session: Session = None) -> None:
    """Set up or tear down a provider state."""
    mock.sessions.world_of(session).set_state(call.state, call.params, teardown=call.teardown)


@_ROUTES.delete("/journal", status_code=204, response_class=Response)
async def clear_journal(mock: Mocked, session: Session = None) -> None:
    """Clear the recorded requests and the coverage."""
    mock.journal.clear(session)


@_ROUTES.delete("/sessions/{session:path}", status_code=204, response_class=Response)
async def delete_session(mock: Mocked, session: str) -> None:
    """Delete a session, its world and its requests."""
    if not mock.end(session):
        message = f"there is no session {session!r}"
        raise SessionError(message)


@_ROUTES.post("/reset", status_code=204, response_class=Response)
async def reset(mock: Mocked, session: Session = None) -> None:
    """Restart with the present scenario, and disarm all faults."""
    mock.sessions.restart(session)


@_ROUTES.get("/faults")
async def faults(mock: Mocked, session: Session = None) -> list[ArmedFault]:
    """What is armed."""
    return [ArmedFault.of(armed) for armed in mock.sessions.look(session).faults]


@_ROUTES.post("/faults")
async def arm_fault(mock: Mocked, call: FaultCall, session: Session = None) -> ArmedFault:
    """Arm a fault."""
    return ArmedFault.of(mock.arm(call.route, call.fault, about=call.about, session=session))


@_ROUTES.delete("/faults", status_code=204, response_class=Response)
async def disarm_all_faults(mock: Mocked, session: Session = None) -> None:
    """Disarm all faults."""
    mock.disarm(session=session)


@_ROUTES.delete("/faults/{number}", status_code=204, response_class=Response)
async def disarm_fault(mock: Mocked, number: int, session: Session = None) -> None:
    """Disarm one fault."""
    mock.disarm(number, session=session)


@_PAGE.get("/_mock/events", response_model=None)
async def stream(
    controlled: Annotated[Controlled, Depends(_controlled)],
    after: Annotated[int, Query(ge=0)] = 0,
    start: str = "",
) -> Response:
    """What happens from now on, as server-sent events."""
    mock, streams, is_closing = controlled
    if len(streams) >= _MOST_STREAMS:
        return _problem(503, f"{_MOST_STREAMS} pages are following already; close one of them.")
    following = _counted(events(mock, after=after, start=start, is_closing=is_closing), streams)
    return StreamingResponse(following, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


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


def _built() -> FastAPI:
    for path, (name, media_type) in _FILES.items():
        content = (files("bff_mock_server.control") / "pages" / name).read_bytes()
        _PAGE.add_api_route(path, partial(_file, content, media_type))
    api = FastAPI(
        title="bff-mock-server",
        version=version(DISTRIBUTION),
        description="Controls the mock of RAS and CMS. Only pages and programs of this machine may use it.",
        openapi_url="/_mock/openapi.json",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
    )
    api.include_router(_ROUTES)
    api.include_router(_PAGE)
    for error in (FaultError, ParameterError, ScenarioError, SessionError, StateError, UnknownProviderError):
        api.add_exception_handler(error, _bad_request)
    api.add_exception_handler(RequestValidationError, _malformed_body)
    api.add_exception_handler(404, _not_found)
    return api


_API: Final = _built()
"""Built once for all mocks of the process, because its routes take longer to build than most tests run."""


def create_api(mock: Mock, *, is_closing: Callable[[], bool]) -> AsgiApp:
    """The application that controls a mock; its streams end when `is_closing` says so."""
    controlled = Controlled(mock, set(), is_closing)

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        await _API({**scope, "state": {"controlled": controlled}}, receive, send)

    return api
