"""The BFF starts, says how it is, and ends."""

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from bff_clients.di import BackendHttpClient
from bff_mock_server import Backends
from examples.bff.app import create_app

pytestmark = pytest.mark.anyio


async def test_it_is_ready_when_both_backends_are(bff: httpx.AsyncClient) -> None:
    response = await bff.get("/readyz")

    up = {"is_up": True, "error": None, "breaker": "closed"}
    assert (response.status_code, response.json()) == (200, {"is_ready": True, "backends": {"ras": up, "cms": up}})


async def test_it_is_alive_and_not_ready_while_a_backend_is_down(backends: Backends, bff: httpx.AsyncClient) -> None:
    backends.fail("cms GET /healthz", "status=503")

    alive, ready = await bff.get("/healthz"), await bff.get("/readyz")

    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["backends"]["cms"] == {"is_up": False, "error": "BackendUnavailable", "breaker": "closed"}


async def test_the_http_client_is_closed_at_the_end(app: FastAPI) -> None:
    async with app.router.lifespan_context(app):
        http = await app.state.dishka_container.get(BackendHttpClient)
        assert not http.is_closed

    assert http.is_closed


async def test_without_a_key_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HULEEDU_INTERNAL_API_KEY", raising=False)
    app = create_app()

    with pytest.raises(ValidationError, match="HULEEDU_INTERNAL_API_KEY"):
        async with app.router.lifespan_context(app):
            pass
