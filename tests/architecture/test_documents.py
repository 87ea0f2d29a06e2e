"""What the documents say is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bff_clients import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContractViolation,
)
from tests.support.bff import envelope_of

ROOT = Path(__file__).parents[2]
SAID: dict[str, Any] = {"service": "s", "operation": "o", "correlation_id": "c"}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(BackendUnavailable("d", reason="status", **SAID), id="BackendUnavailable"),
        pytest.param(BackendUnavailable("d", reason="connect", **SAID), id="BackendUnavailable-connect"),
        pytest.param(BackendTimeout("d", reason="timeout", **SAID), id="BackendTimeout"),
        pytest.param(BackendRejected("d", **SAID), id="BackendRejected"),
        pytest.param(AuthenticationRejected("d", **SAID), id="AuthenticationRejected"),
        pytest.param(ContractViolation("d", **SAID), id="ContractViolation"),
    ],
)
def test_the_readme_tells_status_and_code_of_each_error(error: BackendError) -> None:
    status, code = envelope_of(error)
    name = f"`{type(error).__name__}`"
    reason = getattr(error, "reason", None) == "connect"
    rows = [
        line.split("|")
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `") and name in line.split("|")[1] and ("connect" in line.split("|")[1]) is reason
    ]

    assert [(row[3].strip(), row[4].strip()) for row in rows] == [(str(status), f"`{code}`")]


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *(name for group in project["dependency-groups"].values() for name in group),
    ]
    names = {re.split(r"[\[<>=~;! ]", requirement)[0] for requirement in wanted}
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")

    assert {name for name in names if not re.search(rf"[| ]{re.escape(name)}[, |]", text)} == set()
