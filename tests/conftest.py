"""What all lanes share."""

import asyncio
import gc
import os
import signal
from collections.abc import Coroutine, Generator
from types import ModuleType
from typing import Any

import pytest
import trustme
import uvicorn.server
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from bff_clients import BackendSettings
from tests.support.golden import FILE, Golden, Written
from tests.support.lanes import has_reason
from tests.support.platform import KEY

os.environ["PACT_DO_NOT_TRACK"] = "true"  # the engine reports usage to its makers otherwise

_WRITTEN = pytest.StashKey[Written]()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A script's background job ignores Ctrl-C, and so would the programs that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine must not fail a test. Examples vary locally, and are the same in CI.
patient = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile("ci", patient, derandomize=True)
hypothesis_settings.register_profile("desk", patient, max_examples=30)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Leave what is imported and collected alone, and look for garbage seldom: that takes a tenth of the time else."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-messages",
        action="store_true",
        help=f"run the tests of messages alone, and write the messages to the file {FILE} beside each",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--write-messages", default=False):
        if config.getoption("numprocesses", None):
            raise pytest.UsageError("--write-messages needs one process: leave out -n")
        config.stash[_WRITTEN] = Written()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if written := session.config.stash.get(_WRITTEN, None):
        written.save()
    # Pytest looks for garbage five times at its end, and Python once more; what is left now ends with the process.
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _WRITTEN in config.stash:
        others = [item for item in items if "golden" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    for item in items:
        if not all(has_reason(mark) for mark in item.iter_markers("slow")):
            raise pytest.UsageError(f'{item.nodeid} is slow without a reason: @pytest.mark.slow("why")')


@pytest.fixture(scope="session", autouse=True)
def _one_certificate_authority(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Let TLS trust one authority instead of the system's hundred.

    They take 25 ms for each HTTP client, and the official verifier makes one for each interaction. It reads the folder
    as well as the file.
    """
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("no certificates")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _servers_that_end_at_once() -> Generator[None]:
    """Let uvicorn look a hundred times a second whether it has to end: ten times take 0.2 s for each server."""

    def sleep(seconds: float) -> Coroutine[Any, Any, None]:
        return asyncio.sleep(seconds / 10)

    quick = ModuleType("asyncio")
    vars(quick).update(vars(asyncio), sleep=sleep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", quick)
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares messages with those of the golden file beside the test."""
    test = f"{request.path.name}::{request.node.name}"
    return Golden(request.path.with_name(FILE), test, request.config.stash.get(_WRITTEN, None))


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
