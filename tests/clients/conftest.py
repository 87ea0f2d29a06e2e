"""Fixtures: the RAS client, the router that answers it, and an environment without settings."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import respx

from bff_clients import BackendSettings, RASClient, _variables
from tests.support.platform import KEY


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


@pytest.fixture
def nothing_logged_holds_the_key(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    logging.getLogger(__name__).debug("the log is being read")
    assert "the log is being read" in caplog.text
    assert KEY.get_secret_value() not in caplog.text
