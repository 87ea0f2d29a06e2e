"""A broker's double, a checkout to publish from, and the command as CI runs it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS
from tests.support.broker_double import BASIC, Broker, broker_double
from tests.support.commands import run_here
from tests.support.exemplary import Exemplary
from tests.support.hypercorn_server import on_hypercorn

COMMAND = Path(sys.executable).parent / "bff-contracts"
_CI = ("PACT_BROKER_", "GITHUB_", "CI_", "HULEEDU_")


@pytest.fixture
def broker() -> Generator[Broker]:
    with broker_double() as double:
        yield double


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603, S607


@pytest.fixture(scope="session")
def _committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bff")
    git(folder, "init", "--quiet", "--template=", "--initial-branch", "new-endpoint")
    (folder / "README").write_text("the BFF\n", encoding="utf-8")
    git(folder, "add", "README")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "begin")
    return folder


@pytest.fixture
def checkout(_committed: Path, tmp_path: Path) -> Path:
    """A clean checkout of some branch."""
    return shutil.copytree(_committed, tmp_path / "bff")


@dataclass(frozen=True)
class Desk:
    """Where commands are run, and with which environment.

    Attributes:
        folder: A checkout.
        variables: What the environment says of the broker.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `bff-contracts`; variables may be added or replaced."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_CI)}
        return run_here(words, folder=self.folder, variables={**kept, **self.variables, **variables})


@pytest.fixture
def desk(checkout: Path, broker: Broker) -> Desk:
    return Desk(checkout, {"PACT_BROKER_BASE_URL": broker.url, **BASIC})


@dataclass(frozen=True)
class Team:
    """A provider that runs, and the desk of its team."""

    desk: Desk
    provider: Exemplary
    url: str

    def verify(self, *words: str, states: bool = True, **variables: str) -> Any:
        at = ["--states-url", f"{self.url}/states"] if states else []
        source = [] if "--pact-url" in words else ["--from-broker"]
        return self.desk.run("verify", "cms", "--url", self.url, *source, *at, *words, **variables)


@pytest.fixture
def team(desk: Desk) -> Generator[Team]:
    (pact,) = (one for one in shipped_pacts() if one.provider == CMS)
    provider = Exemplary(pact.document)
    with on_hypercorn(provider) as url:
        yield Team(desk, provider, url)
