"""What all lanes share."""

import os
from collections.abc import Generator

import pytest
import trustme
from hypothesis import settings as hypothesis_settings

from bff_clients import BackendSettings
from tests.support.platform import KEY

os.environ["PACT_DO_NOT_TRACK"] = "true"  # the engine reports usage to its makers otherwise

hypothesis_settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis_settings.register_profile("desk", deadline=None)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session", autouse=True)
def _one_certificate_authority(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Let TLS trust one authority instead of the system's hundred, which take 25 ms for each HTTP client."""
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


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
