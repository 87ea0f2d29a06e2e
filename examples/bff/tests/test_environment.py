"""The BFF that reads its settings from the environment, led to the mocked backends."""

import os
from unittest.mock import patch

import httpx
import pytest

from bff_mock_server import Backends, a_batch
from examples.bff.app import create_app
from examples.bff.tests.conftest import TEACHER

pytestmark = pytest.mark.anyio


async def test_the_variables_of_the_backends_are_all_that_it_needs(backends: Backends) -> None:
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[a_batch()])
    with patch.dict(os.environ, backends.environment, clear=True):
        app = create_app()
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bff.test") as browser,
        ):
            shown = await browser.get("/bff/v1/teacher/dashboard", headers={"X-User-ID": TEACHER})

    assert [shown.status_code, len(shown.json()["batches"])] == [200, 1]
