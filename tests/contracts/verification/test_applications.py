"""The kit takes any ASGI application, and any provider that runs somewhere."""

import socket
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse
from quart import Quart, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from bff_contracts.states import KINDS, ByBatch
from bff_contracts.verification import CannotVerify, NotVerified, interactions_of, running_provider, verify_provider
from tests.providers import cms, ras
from tests.providers.seeding import cms_states, ras_states
from tests.providers.small import SEEDED, SmallCms, entries_of, states_with
from tests.support.golden import Golden
from tests.support.hypercorn_server import on_hypercorn
from tests.support.lanes import one_in

pytestmark = pytest.mark.slow("runs the official verifier many times")

KEY = "real-4711"
PROVIDER = "class-management-service"


def refusal(key: str | None, service_id: str | None) -> tuple[int, dict[str, str]] | None:
    if key is None or not service_id:
        return 401, {"error": "Missing authentication"}
    return None if key == KEY else (401, {"error": "Invalid credentials"})


def fastapi_app(classes: dict[str, Any]) -> FastAPI:
    app = FastAPI()

    @app.get("/healthz")
    def health() -> dict[str, str]:
        return {}

    @app.get("/internal/v1/batches/{_}")
    async def by_batch(
        _: str,
        batch_ids: str,
        x_internal_api_key: Annotated[str | None, Header()] = None,
        x_service_id: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        refused = refusal(x_internal_api_key, x_service_id)
        status, body = refused or (200, {each: classes[each] for each in batch_ids.split(",")})
        return JSONResponse(body, status)

    @app.get("/internal/v1/batches/{batch_id}/student-names")
    def names(
        batch_id: str,
        x_internal_api_key: Annotated[str | None, Header()] = None,
        x_service_id: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        status, body = refusal(x_internal_api_key, x_service_id) or (200, classes[batch_id])
        return JSONResponse(body, status)

    return app


def starlette_app(classes: dict[str, Any]) -> Starlette:
    async def health(_: Request) -> JSONResponse:
        return JSONResponse({})

    async def by_batch(asked: Request) -> JSONResponse:
        ids = asked.query_params["batch_ids"].split(",")
        refused = refusal(asked.headers.get("x-internal-api-key"), asked.headers.get("x-service-id"))
        status, body = refused or (200, {each: classes[each] for each in ids})
        return JSONResponse(body, status)

    async def names(asked: Request) -> JSONResponse:
        refused = refusal(asked.headers.get("x-internal-api-key"), asked.headers.get("x-service-id"))
        status, body = refused or (200, classes[asked.path_params["batch_id"]])
        return JSONResponse(body, status)

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/internal/v1/batches/{what}", by_batch),
            Route("/internal/v1/batches/{batch_id}/student-names", names),
        ]
    )


@pytest.mark.parametrize("make", [fastapi_app, starlette_app])
def test_other_frameworks_are_verified_too(make: Any) -> None:
    classes: dict[str, Any] = {}

    def seed(params: ByBatch) -> None:
        classes.update(entries_of(params))

    assert verify_provider(make(classes), provider="cms", states=states_with(seed), api_key=KEY).verified


def test_the_lifespan_of_the_application_encloses_the_verification(tmp_path: Path) -> None:
    states = cms_states(tmp_path / "cms.db")
    app = cms.create_app(cms.Settings(str(tmp_path / "cms.db"), KEY))
    log: list[str] = []
    app.before_serving(lambda: log.append("started"))
    app.after_serving(lambda: log.append("ended"))

    verify_provider(app, provider="cms", states=states, api_key=KEY)

    assert log == ["started", "ended"]


def test_a_start_that_fails_says_why(golden: Golden) -> None:
    app = Quart("cms")

    @app.before_serving
    async def connect() -> None:
        message = "password authentication failed"
        raise ConnectionError(message)

    with pytest.raises(CannotVerify) as caught:
        verify_provider(app, provider="cms")

    golden.check(str(caught.value))


# Providers that run


@pytest.fixture
def running_ras(tmp_path: Path) -> Generator[tuple[str, Any]]:
    database = tmp_path / "ras.db"
    states = ras_states(database)
    with on_hypercorn(ras.create_app(ras.Settings(str(database), KEY))) as url:
        yield url, states


def test_a_running_provider_is_verified_with_its_real_key(running_ras: tuple[str, Any]) -> None:
    url, states = running_ras

    assert verify_provider(url=url, provider="ras", states=states, api_key=KEY).verified


def test_a_running_provider_without_its_key_is_not(running_ras: tuple[str, Any], monkeypatch: Any) -> None:
    monkeypatch.delenv("HULEEDU_INTERNAL_API_KEY", raising=False)
    url, states = running_ras
    with pytest.raises(NotVerified) as caught:
        verify_provider(url=url, provider="ras", states=states)

    refused = {outcome.interaction for outcome in caught.value.outcomes}
    assert refused == {name for name in interactions_of("ras") if not name.startswith(("refused", "health"))}


def test_a_path_before_the_contracts_paths_is_kept(running_ras: tuple[str, Any]) -> None:
    url, states = running_ras
    elsewhere = running_provider(url=f"{url}/elsewhere/", provider="ras", states=states, api_key=KEY)
    with elsewhere as provider, pytest.raises(NotVerified, match="expected 200 but was 404"):
        provider.verify("health: the service is up")


def test_a_provider_that_stops_fails_the_remaining_interactions() -> None:
    small = SmallCms()
    with on_hypercorn(small) as url:
        context = running_provider(url=url, provider="cms", states=small.states)
        provider = context.__enter__()
        provider.verify("classes of batches: all have one")
    reported = [str(outcome) for outcome in provider.outcomes()]
    context.__exit__(None, None, None)

    assert len(reported) == len(interactions_of("cms"))
    assert all(f"{url} gave no response: ConnectError" in text for text in reported)


# States that the provider sets up itself


def stateful_cms(status: int, log: list[Any]) -> Quart:
    """CMS that takes provider states, or answers them with a status."""
    small, app = SmallCms(), Quart("stateful")

    @app.post("/states")
    async def states() -> tuple[dict[str, str], int]:
        change = await request.get_json()
        log.append((change["state"], change["action"]))
        if change["action"] == "setup":
            small.seed(KINDS[change["state"]].model_validate(change["params"]))
        return {"told": "no such table"}, status

    async def either(scope: Any, receive: Any, send: Any) -> None:
        await (quart if scope["type"] == "lifespan" or scope["path"] == "/states" else small)(scope, receive, send)

    quart = app.asgi_app
    app.asgi_app = either  # type: ignore[method-assign]  # how Quart takes middleware
    return app


def test_states_are_set_up_and_restored_at_their_url() -> None:
    log: list[Any] = []
    with on_hypercorn(stateful_cms(200, log)) as url:
        verify_provider(url=url, provider="cms", states_url=f"{url}/states")

    assert [action for _, action in log] == ["setup", "teardown"] * len(SEEDED)
    assert {state for state, _ in log} == set(KINDS)


@pytest.mark.parametrize("status", one_in(4, [503, 400, 429, 500], "each verifies the whole contract"))
def test_states_that_are_refused_fail_at_once(status: int) -> None:
    log: list[Any] = []
    with on_hypercorn(stateful_cms(status, log)) as url, pytest.raises(NotVerified) as caught:
        verify_provider(url=url, provider="cms", states_url=f"{url}/states")

    reported = [str(outcome) for outcome in caught.value.outcomes]
    assert len(log) == len(reported) == len(SEEDED)
    assert all(f"/states (setup) answered {status}: " in text and "no such table" in text for text in reported)


def test_a_name_with_two_addresses_is_unreachable_for_one_reason(
    golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `localhost` often has."""

    def both(_host: object, port: int, *_: object, **__: object) -> list[Any]:
        stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(socket.AF_INET6, *stream, ("::1", port, 0, 0)), (socket.AF_INET, *stream, ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(CannotVerify) as caught, running_provider(url="http://localhost:1", provider="cms"):
        pass

    golden.check(str(caught.value))


def test_an_unreachable_states_url_is_reported(golden: Golden) -> None:
    small = SmallCms()
    with pytest.raises(CannotVerify) as caught:
        verify_provider(small, provider=PROVIDER, states_url="http://127.0.0.1:1/states")

    golden.check(str(caught.value))
