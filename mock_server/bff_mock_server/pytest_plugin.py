"""Fixtures for the tests of whoever uses RAS and CMS.

pytest loads this module in every environment that has the package, so it imports nothing but pytest and the standard
library until a fixture is asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from bff_mock_server.testing import Backends


@pytest.fixture(scope="session")
def bff_backend_urls() -> Mapping[str, str]:
    """The base URLs by provider: those of the environment when the session began, else the clients' defaults.

    Override it where that does not fit: `{"ras": "http://…", "cms": "http://…"}`.
    """
    from bff_contracts.states import CMS, RAS  # noqa: PLC0415
    from bff_mock_server.testing import DEFAULT_URLS  # noqa: PLC0415

    return {
        RAS: os.environ.get("BFF_TEACHER_SERVICE_RAS_BASE_URL") or DEFAULT_URLS[RAS],
        CMS: os.environ.get("BFF_TEACHER_SERVICE_CMS_BASE_URL") or DEFAULT_URLS[CMS],
    }


@pytest.fixture(scope="session")
def bff_api_key() -> str | None:
    """A key that the mocks accept beside the contract's placeholder: that of the environment. Override it."""
    return os.environ.get("HULEEDU_INTERNAL_API_KEY")


@pytest.fixture
def backends(bff_backend_urls: Mapping[str, str], bff_api_key: str | None) -> Generator[Backends]:
    """Mock RAS and CMS without a port: every httpx client that calls their base URLs is answered. It starts empty."""
    from bff_mock_server.testing import in_process  # noqa: PLC0415

    keys = frozenset({bff_api_key}) if bff_api_key else frozenset[str]()
    with in_process(urls=bff_backend_urls, keys=keys) as running:
        yield running


@pytest.fixture
def backends_on_ports(bff_api_key: str | None) -> Generator[Backends]:
    """Mock RAS and CMS on free ports, for what is not httpx or runs in another process. It starts empty."""
    from bff_mock_server.testing import EMPTY, serve  # noqa: PLC0415

    with serve(scenario=EMPTY, keys=[bff_api_key] if bff_api_key else []) as running:
        yield running
