"""The installation commands of the page on the clients: from the wheel, with and without an index."""

import subprocess
import venv
from pathlib import Path

import pytest

from tests.documents.blocks import runs
from tests.wheel.environment import DISTRIBUTION, Environment, pip_variables

PAGE = "docs/clients.md"
WRITTEN = "./huleedu_bff_clients-1.2.3-py3-none-any.whl"


@pytest.fixture
def with_pip(tmp_path: Path) -> Environment:
    environment = Environment(tmp_path / "environment", tmp_path / "work")
    environment.work.mkdir()
    venv.create(environment.home, symlinks=True, with_pip=True)
    return environment


def run(environment: Environment, command: str, wheel: Path, **variables: str) -> None:
    assert WRITTEN in command or "--no-index" in command
    done = subprocess.run(  # noqa: S602  as a reader runs it
        command.replace(WRITTEN, str(wheel)),
        shell=True,
        cwd=environment.work,
        env={**pip_variables(environment.work), **variables, "PATH": str(environment.home / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def installed_version(environment: Environment) -> str:
    return environment.python(
        f"import respx, yaml, importlib.metadata as m; print(m.version('{DISTRIBUTION}'))"
    ).strip()


@runs(PAGE, "pip install './huleedu_bff_clients")
def test_the_wheel_is_installed_with_an_extra(blocks: list[str], with_pip: Environment, wheel: Path) -> None:
    run(with_pip, blocks[0], wheel)

    assert f"-{installed_version(with_pip)}-" in wheel.name


@runs(PAGE, "pip download")
def test_an_image_without_an_index_installs_what_was_collected(
    blocks: list[str], with_pip: Environment, wheel: Path
) -> None:
    download, install = blocks[0].splitlines()
    run(with_pip, download, wheel)
    run(with_pip, install, wheel, PIP_INDEX_URL="http://127.0.0.1:9/")

    assert f"-{installed_version(with_pip)}-" in wheel.name
