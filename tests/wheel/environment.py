"""Clean environments with the locked versions that pip installs, and nothing of the checkout."""

import os
import subprocess
import sys
import tomllib
import venv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DISTRIBUTION = "huleedu-bff-clients"
PIP = (ROOT / ".tools" / "bin" / "python", "-m", "pip")
"""The one that `make` has PDM installed with: an environment has none then that its users might not have."""

LAST_LINES = 12


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and an empty folder in which its programs run.

    Attributes:
        home: The environment.
        work: The folder.
    """

    home: Path
    work: Path

    def program(self, name: str) -> Path:
        """The path of an installed program."""
        return self.home / "bin" / name

    def run(self, name: str, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one with as few variables as can be."""
        own = {"PATH": f"{self.home / 'bin'}:{os.defpath}", "HOME": str(self.work), "PACT_DO_NOT_TRACK": "true"}
        return subprocess.run(  # noqa: S603  what we installed
            [self.program(name), *words],
            cwd=self.work,
            env={**own, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def python(self, code: str) -> str:
        """The output of a program."""
        done = self.run("python", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def file(self, name: str, text: str) -> Path:
        """Write a file of a user of the package."""
        path = self.work / name
        path.write_text(text, encoding="utf-8")
        return path


def installed(folder: Path, *requirements: str) -> Environment:
    """Make an environment and install into it."""
    home, work = folder / "environment", folder / "work"
    work.mkdir()
    venv.create(home, symlinks=True)
    pip(folder, "--python", home / "bin" / "python", "install", *requirements)
    return Environment(home, work)


def pip(folder: Path, *words: str | Path) -> None:
    """Run pip with the locked versions; without a network the run ends with one message that says so."""
    done = subprocess.run(  # noqa: S603  as above
        [*PIP, *words, "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"],
        env=pip_variables(folder, but=words),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-LAST_LINES:])
        pytest.exit(
            "the tests of the wheel install from the package index, and pip could not. Without a network, `make test`"
            f" tests all else.\npip {' '.join(map(str, words))}\n{said}\n",
            returncode=2,
        )


def pip_variables(folder: Path, *, but: Sequence[str | Path] = ()) -> dict[str, str]:
    """The environment of a pip that takes the locked versions, apart from those that `but` names."""
    constraints = folder / "constraints.txt"
    constraints.write_text(locked_versions(but=but), encoding="utf-8")
    return {**os.environ, **{name: constraints.as_uri() for name in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")}}


def locked_versions(*, but: Sequence[str | Path] = ()) -> str:
    """The lock as constraints, because other people's releases are not tested here; `but` has versions of its own."""
    chosen = {word.partition("==")[0] for word in but if isinstance(word, str) and "==" in word}
    versions: dict[str, set[str]] = defaultdict(set)
    for package in tomllib.loads((ROOT / "pdm.lock").read_text(encoding="utf-8"))["package"]:
        if package["name"] not in chosen:
            versions[package["name"]].add(package["version"])
    return "".join(f"{name}=={version}\n" for name, (version, *others) in sorted(versions.items()) if not others)


def own_program(*words: str | Path, folder: Path = ROOT) -> str:
    """What a program of the project's own environment prints, which has to do its work."""
    done = subprocess.run(  # noqa: S603  programs of the lock
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def git(*words: str | Path, folder: Path = ROOT) -> str:
    """The output of git."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "tag.gpgSign=false")
    command = ["git", *identity, *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout  # noqa: S603
