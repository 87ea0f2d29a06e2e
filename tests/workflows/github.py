"""Runs the steps of a workflow's job in one checkout, in order, with GitHub's environment variables."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import yaml

ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
STUBS: Final = {
    "make": 'mkdir -p dist && touch dist/"huleedu_bff_clients-1.2.3"{-py3-none-any.whl,.tar.gz}',
    "pdm": f'[ "$2" != release-notes ] || exec {shlex.quote(sys.executable)} scripts/release_notes.py "$3"',
    "gh": 'for word; do case "$word" in build/*|dist/*) [ -f "$word" ] || exit 9; esac; done; echo "gh $*"',
    "sudo": "true",
}
"""Replaces programs that would take minutes, need a network or are GitHub's."""


def workflow(file: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


@dataclass
class Checkout:
    """A clone of this project, as a job begins with, and what GitHub knows of the job.

    Attributes:
        folder: The clone.
        known: The contexts of expressions, such as `github` and `vars`; what is not in them is an empty text.
        replaced: Texts of commands that are others here, such as addresses.
        ran: The steps that ran, and what came of each.
    """

    folder: Path
    known: Mapping[str, Any]
    replaced: Mapping[str, str] = field(default_factory=dict[str, str])
    ran: list[tuple[str, subprocess.CompletedProcess[str]]] = field(
        default_factory=list[tuple[str, subprocess.CompletedProcess[str]]]
    )

    def run_job(self, file: Path, name: str) -> list[str]:
        """Run a job's steps up to the first that fails; returns what was run."""
        whole = workflow(file)
        job = whole["jobs"][name]
        shared = {**whole.get("env", {}), **job.get("env", {})}
        for step in job["steps"]:
            if self._is_on(step) and "run" in step:
                done = self.run(step["run"], {**shared, **step.get("env", {})})
                self.ran.append((step["run"], done))
                if done.returncode:
                    break
        return [command for command, _ in self.ran]

    @property
    def said(self) -> str:
        """The output of all steps."""
        return "".join(f"$ {command}\n{done.stdout}{done.stderr}" for command, done in self.ran)

    @property
    def last(self) -> int:
        """How the last step ended."""
        return self.ran[-1][1].returncode

    def evaluated(self, text: str) -> str:
        """A text of a workflow, with the values of its expressions."""
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: self._value(found[1]), text)

    def _value(self, expression: str) -> str:
        """One of the forms that the workflows use: names, and names with `||` between them."""
        return next((value for name in expression.split(" || ") if (value := self._named(name))), "")

    def _named(self, name: str) -> str:
        value: Any = self.known
        for part in name.split("."):
            value = cast("Mapping[str, Any]", value).get(part, {}) if isinstance(value, Mapping) else {}
        return "" if isinstance(value, Mapping) else str(value)

    def _is_on(self, step: Mapping[str, Any]) -> bool:
        compared = re.fullmatch(r"(\S+) (==|!=) '?([^']*?)'?", step.get("if", "x != y"))
        assert compared, step["if"]
        name, sign, value = compared.groups()
        other = self._named(value) if value.startswith("github.") else value
        return (self._named(name) == other) is (sign == "==")

    def run(self, command: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run one command as a step."""
        for old, new in self.replaced.items():
            command = command.replace(old, new)
        github = self.known["github"]
        environment = {
            "HOME": str(self.folder.parent),
            "PATH": f"{self.folder.parent / 'stubs'}:{BIN}:{os.environ['PATH']}",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.folder.parent / "summary.md"),
            **{f"GITHUB_{name.upper()}": github[name] for name in ("head_ref", "ref_name", "ref_type", "sha")},
            **{name: self.evaluated(value) for name, value in variables.items()},
        }
        return subprocess.run(  # noqa: S603  as GitHub runs it
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],  # noqa: S607
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


def git(*words: str | Path) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603, S607


def cloned(folder: Path) -> Path:
    """A clone without a branch, as GitHub checks out, with its environment, and stubs beside it."""
    git("clone", "--quiet", ROOT, folder)
    git("-C", folder, "checkout", "--quiet", "--detach")
    git("-C", folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    git("-C", folder, "config", "user.name", "a")
    git("-C", folder, "config", "user.email", "a@b")
    for place in (folder / ".venv", folder / ".tools" / "bin", folder.parent / "stubs"):
        place.mkdir(parents=True)
    (folder / ".venv" / "bin").symlink_to(BIN)
    for name, text in STUBS.items():
        stub = (folder / ".tools" / "bin" if name == "pdm" else folder.parent / "stubs") / name
        stub.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        stub.chmod(0o755)
    return folder
