"""Fixtures of the consumer tests, and the option that writes the pacts for good."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

import bff_contracts
from tests.consumer.recording import Collection, Expectation

COMMITTED = Path(bff_contracts.__file__).parent / "pacts"
_COLLECTION = pytest.StashKey[Collection]()
_CONSUMER_FIXTURES = {"ras_receives", "cms_receives"}

Receives = Callable[[str], Expectation]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-pacts",
        nargs="?",
        const=str(COMMITTED),
        metavar="FOLDER",
        help="run the consumer tests alone and write the pacts they make, into the package unless FOLDER is given",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--write-pacts", None) and config.getoption("numprocesses", None):
        raise pytest.UsageError("--write-pacts needs one process: leave out -n")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--write-pacts", None):
        # The other tests read the pacts that are about to be replaced.
        others = [item for item in items if not _CONSUMER_FIXTURES & set(getattr(item, "fixturenames", ()))]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    target = session.config.getoption("--write-pacts", None)
    collection = session.config.stash.get(_COLLECTION, None)
    if target and collection and exitstatus == pytest.ExitCode.OK:
        Path(target).mkdir(parents=True, exist_ok=True)
        for path in sorted(collection.folder.glob("*.json")):
            shutil.copyfile(path, Path(target) / path.name)


@pytest.fixture(scope="session")
def collection(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    collection = Collection(tmp_path_factory.mktemp("pacts"))
    pytestconfig.stash[_COLLECTION] = collection
    return collection


@pytest.fixture
def ras_receives(collection: Collection) -> Receives:
    """Begin an interaction with RAS."""
    return lambda description: Expectation(collection, "result-aggregator-service", description)


@pytest.fixture
def cms_receives(collection: Collection) -> Receives:
    """Begin an interaction with CMS."""
    return lambda description: Expectation(collection, "class-management-service", description)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client
