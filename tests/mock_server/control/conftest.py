"""The control API of a mock of both backends, called in process."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_mock_server import MockApp
from bff_mock_server.control import ControlApp
from bff_mock_server.serving.guard import Guard
from tests.mock_server.building import app_of


@pytest.fixture
def app() -> MockApp:
    return app_of(*shipped_pacts())


def controlling(app: MockApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(ControlApp(app.mock, Guard()))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4100/_mock")


@pytest.fixture
async def control(app: MockApp) -> AsyncGenerator[httpx.AsyncClient]:
    async with controlling(app) as client:
        yield client
