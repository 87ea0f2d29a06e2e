"""Fixtures: the RAS client, and the router that answers it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from bff_clients import BackendSettings, RASClient


@pytest.fixture
async def ras(settings: BackendSettings) -> AsyncIterator[RASClient]:
    async with httpx.AsyncClient(
        base_url="http://elsewhere.test", cookies={"a": "b"}, headers={"a": "b"}, params={"a": "b"}, auth=("a", "b")
    ) as http:
        yield RASClient(http, settings)


@pytest.fixture
def router() -> Any:
    with respx.mock(base_url="http://ras.test") as mock:
        yield mock
