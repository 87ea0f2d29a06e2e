"""Fixtures: the RAS client, the router that answers it, and an environment without settings."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from bff_clients import BackendSettings, RASClient, _variables


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


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HULEEDU_INTERNAL_API_KEY", "ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_variables, "_reported", set[str]())
