"""The BFF on backends that the pytest plugin of `bff_mock_server` answers for, without a port."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI

from bff_clients import BackendSettings
from bff_mock_server import Backends
from examples.bff.app import create_app

TEACHER = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d01"
COLLEAGUE = "5b0e8a43-2f6d-4c1b-8e90-9f1c7a525b0e"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def app(backends: Backends) -> FastAPI:
    return create_app(
        BackendSettings(
            internal_api_key=backends.api_key,
            ras_base_url=backends.ras_url,
            cms_base_url=backends.cms_url,
            http_client_timeout_seconds=2,
            http_retry_backoff_seconds=0.001,
        )
    )


@pytest.fixture
async def bff(app: FastAPI) -> AsyncGenerator[httpx.AsyncClient]:
    """A browser of the signed-in teacher."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://bff.test", headers={"X-User-ID": TEACHER}
        ) as client,
    ):
        yield client
