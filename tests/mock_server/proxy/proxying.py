"""Real providers on sockets, and the mock in front of them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import httpx

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, RAS
from bff_mock_server import Mock
from bff_mock_server.cli.assembly import Plan, assemble
from bff_mock_server.cli.contracts import Contracts
from bff_mock_server.serving.server import Listener, bind, running
from tests.support.platform import BATCH
from tests.support.quart_providers import KEY, Providers

HEADERS = {
    "X-Internal-API-Key": KEY,
    "X-Service-ID": "bff-teacher-service",
    "X-Correlation-ID": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00",
}
STATUS = f"/internal/v1/batches/{BATCH}/status"
NAMES_OF_BATCH = f"/internal/v1/batches/{BATCH}/student-names"
UNKNOWN = "/internal/v1/batches/00000000-0000-4000-8000-000000000000/status"
IDS = "26b9045a-e947-5833-ab3e-161507389763,8232d49d-8ace-5fcf-bc17-5fc74acfda47"
CLASSES = f"/internal/v1/batches/class-info?batch_ids={IDS}"


@contextmanager
def served(providers: Providers) -> Generator[tuple[str, str]]:
    """The base URLs of the real providers."""
    ras, cms = Listener(providers.ras, bind("127.0.0.1", 0)), Listener(providers.cms, bind("127.0.0.1", 0))
    with running([ras, cms]):
        yield f"http://127.0.0.1:{ras.port}", f"http://127.0.0.1:{cms.port}"


@contextmanager
def proxying(*, ras: str | None = None, cms: str | None = None, record: Path | None = None) -> Generator[Mock]:
    proxied = {name: url for name, url in ((RAS, ras), (CMS, cms)) if url is not None}
    with patch("bff_mock_server.cli.assembly.read_shipped_pacts", shipped_pacts):  # once for all tests
        assembly = assemble(Plan(Contracts(), proxied=proxied, record=str(record) if record else None))
    with running(assembly.listeners, beside=assembly.beside, at_end=assembly.at_end):
        yield assembly.mock


def ask(mock: Mock, provider: str, target: str, **headers: str) -> httpx.Response:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(f"{mock.urls[provider]}{target}", headers={**HEADERS, **more})
