"""What all lanes share."""

import os

import pytest
from hypothesis import settings as hypothesis_settings

from bff_clients import BackendSettings
from tests.support.platform import KEY

os.environ["PACT_DO_NOT_TRACK"] = "true"  # the engine reports usage to its makers otherwise

hypothesis_settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis_settings.register_profile("desk", deadline=None)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings() -> BackendSettings:
    return BackendSettings(
        internal_api_key=KEY,
        ras_base_url="http://ras.test",
        cms_base_url="http://cms.test",
        http_client_timeout_seconds=5,
    )
