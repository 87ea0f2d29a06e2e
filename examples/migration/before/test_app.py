"""Tests of the application: respx answers for the backends."""

from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from examples.migration.before.app import create_app

BATCH = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d01"
BATCHES = "http://ras:4003/internal/v1/batches/user/anna"
CLASSES = "http://cms:5002/internal/v1/batches/class-info"
PAGE = {
    "batches": [{"batch_id": BATCH, "overall_status": "ready", "created_at": "2026-01-30T08:00:00"}],
    "pagination": {"limit": 20, "offset": 0, "total": 1},
}


pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", "test-key")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_RAS_URL", "http://ras:4003")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_CMS_URL", "http://cms:5002")
    app = create_app()
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://bff", headers={"X-User-ID": "anna"}) as client,
    ):
        yield client


@respx.mock
async def test_a_batch_has_its_class(client: httpx.AsyncClient) -> None:
    respx.get(BATCHES).respond(json=PAGE)
    respx.get(CLASSES).respond(json={BATCH: {"class_id": "c1", "class_name": "Svenska 9A"}})
    response = await client.get("/bff/v1/teacher/dashboard")

    assert response.json()["batches"][0]["class_name"] == "Svenska 9A"


@respx.mock
async def test_a_failure_has_its_status(client: httpx.AsyncClient) -> None:
    respx.get(BATCHES).respond(500, json={"error": "Internal server error"})
    response = await client.get("/bff/v1/teacher/dashboard")

    assert response.status_code == 502
    assert response.json()["error"]["details"]["status_code"] == 500
