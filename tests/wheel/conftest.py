"""Fixtures: the files of `pdm run build` in dist/, and clean environments with them, made once."""

from pathlib import Path

import pytest

from tests.wheel.environment import DISTRIBUTION, ROOT, Environment, installed

DIST = ROOT / "dist"


def the_only(pattern: str) -> Path:
    found = sorted(DIST.glob(pattern))
    if len(found) != 1:
        pytest.exit(f"dist/ has {len(found)} files {pattern} instead of one: `make test-wheel` builds it again", 2)
    return found[0]


@pytest.fixture(scope="session", autouse=True)
def _one_certificate_authority() -> None:
    """The authorities of the system, because these tests ask the package index."""


@pytest.fixture(scope="session")
def wheel() -> Path:
    return the_only("*.whl")


@pytest.fixture(scope="session")
def sdist() -> Path:
    return the_only("*.tar.gz")


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("bare"), f"{DISTRIBUTION} @ {wheel.as_uri()}")


@pytest.fixture(scope="session")
def with_pytest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("pytest"), f"{DISTRIBUTION} @ {wheel.as_uri()}", "pytest")


@pytest.fixture(scope="session")
def with_mock(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("mock"), f"{DISTRIBUTION}[mock] @ {wheel.as_uri()}", "pytest")


@pytest.fixture(scope="session")
def with_testing(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of a service that has a server of its own, older than the mock's."""
    theirs = ("pytest", "uvicorn==0.30.0")
    return installed(tmp_path_factory.mktemp("testing"), f"{DISTRIBUTION}[testing] @ {wheel.as_uri()}", *theirs)


@pytest.fixture(scope="session")
def with_contracts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("contracts"), f"{DISTRIBUTION}[contracts] @ {wheel.as_uri()}")
