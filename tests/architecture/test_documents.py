"""What the documents say is what the code does."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from bff_clients import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContractViolation,
)
from bff_contracts.pact_file import shipped_pacts
from bff_contracts.states import CMS, RAS
from bff_mock_server import Backend, Mock, find_scenario, read_scenario
from bff_mock_server.banner import Place, banner
from bff_mock_server.directives import read_directives
from bff_mock_server.faults import Kind, parse_faults
from bff_mock_server.scenarios import shipped_scenarios
from examples.bff.errors import envelope_of
from tests.support.hypercorn_server import on_hypercorn

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SAID: dict[str, Any] = {"service": "s", "operation": "o", "correlation_id": "c"}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(BackendUnavailable("d", reason="status", **SAID), id="BackendUnavailable"),
        pytest.param(BackendUnavailable("d", reason="connect", **SAID), id="BackendUnavailable-connect"),
        pytest.param(BackendUnavailable("d", reason="breaker_open", **SAID), id="BackendUnavailable-breaker"),
        pytest.param(BackendTimeout("d", reason="timeout", **SAID), id="BackendTimeout"),
        pytest.param(BackendRejected("d", **SAID), id="BackendRejected"),
        pytest.param(AuthenticationRejected("d", **SAID), id="AuthenticationRejected"),
        pytest.param(ContractViolation("d", **SAID), id="ContractViolation"),
    ],
)
def test_the_readme_tells_status_and_code_of_each_error(error: BackendError) -> None:
    status, code = envelope_of(error)
    name = f"`{type(error).__name__}`"
    reason = getattr(error, "reason", "")
    said = f'`reason="{reason}"`' if reason in {"connect", "breaker_open"} else None
    rows = [
        line.split("|")
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
        and name in line.split("|")[1]
        and (said in line.split("|")[1] if said else "reason" not in line.split("|")[1])
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
    text = (DOCS / "dependencies.md").read_text(encoding="utf-8")

    assert {name for name in names if not re.search(rf"[| ]{re.escape(name)}[, |]", text)} == set()


def blocks(document: str, language: str) -> list[str]:
    text = (DOCS / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def first_cells(document: str, heading: str) -> list[str]:
    """What stands in backticks in the first column of the table below a heading."""
    text = (DOCS / document).read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return [cell for row in rows for cell in re.findall(r"`([^`]+)`", row)]


def test_the_scenario_of_the_page_can_be_used() -> None:
    (text,) = blocks("bff-developers.md", "yaml")
    scenario = read_scenario(text, name="page", source="bff-developers.md")

    assert [teacher.batches for teacher in scenario.teachers] == [40, 3]
    assert [str(armed.route) for armed in scenario.faults][1:] == ["class-management-service GET /healthz"]


def test_the_scenarios_of_the_page_are_those_that_are_shipped() -> None:
    assert sorted(first_cells("bff-developers.md", "Other worlds")) == list(shipped_scenarios())


def test_every_fault_of_the_page_is_understood_and_none_is_left_out() -> None:
    faults = first_cells("bff-developers.md", "Faults")

    assert {fault.kind for text in faults for fault in parse_faults(text)} == set(get_args(Kind))


def test_every_header_of_the_page_is_understood() -> None:
    for cell in first_cells("bff-developers.md", "Asking for more, request by request"):
        name, value = cell.split(": ", 1)
        directives = read_directives({name.lower(): value})

        assert any([directives.session, directives.states, directives.faults])


def test_the_test_of_the_page_passes_as_it_stands(tmp_path: Path) -> None:
    (text,) = blocks("bff-developers.md", "python")
    (tmp_path / "test_page.py").write_text(text, encoding="utf-8")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr


_MY_SERVICE = {
    "__init__.py": "",
    "storage.py": """\
import sqlite3
from tests.provider.cms import SCHEMA

DATABASE = "classes.db"
sqlite3.connect(DATABASE).executescript(SCHEMA)

async def forget_class(batch_id):
    with sqlite3.connect(DATABASE) as connection:
        connection.execute("DELETE FROM batch_classes WHERE batch_id = ?", (batch_id,))

async def save_class(batch_id, class_id, name):
    with sqlite3.connect(DATABASE) as connection:
        connection.execute("INSERT OR REPLACE INTO classes VALUES (?, ?)", (class_id, name))
        connection.execute("INSERT OR REPLACE INTO batch_classes VALUES (?, ?)", (batch_id, class_id))
""",
    "app.py": """\
from tests.provider import cms
from my_service.storage import DATABASE

def create_app():
    return cms.create_app(cms.Settings(DATABASE, "the-key-of-our-tests"))
""",
}
"""A service whose team follows the page for provider teams."""


@pytest.fixture
def my_service(tmp_path: Path) -> Path:
    (tmp_path / "my_service").mkdir()
    (tmp_path / "tests").mkdir()
    for name, text in _MY_SERVICE.items():
        (tmp_path / "my_service" / name).write_text(text, encoding="utf-8")
    return tmp_path


def run_in(folder: Path, *words: str) -> str:
    """What a command prints there, for a user whose project this is."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = f"{folder}:{ROOT}"
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(  # noqa: S603  commands of our own pages
        words, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    return done.stdout + done.stderr


def test_the_test_file_of_the_page_for_providers_verifies_a_provider(my_service: Path) -> None:
    text, _ = blocks("providers.md", "python")
    (my_service / "test_bff_contract.py").write_text(text, encoding="utf-8")

    printed = run_in(my_service, "pytest", "-q", "test_bff_contract.py")

    assert "8 passed" in printed, printed


def test_the_scaffold_of_the_page_for_providers_fails_with_what_the_page_shows(my_service: Path) -> None:
    scaffold, run = (block for block in blocks("providers.md", "sh") if "tests/test_bff_contract.py" in block)
    shown, _ = blocks("providers.md", "text")
    run_in(my_service, *shlex.split(scaffold))

    printed = run_in(my_service, *shlex.split(run), "-p", "no:randomly")

    for line in shown.splitlines():
        part = line.partition("…")[0].removeprefix("NotVerified: ")
        assert part in printed, printed


def test_the_states_route_of_the_page_for_providers_works(my_service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = blocks("providers.md", "python")
    (my_service / "contract_states.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(my_service))  # pyright: ignore[reportUnknownMemberType]
    monkeypatch.chdir(my_service)
    app = importlib.import_module("my_service.app").create_app()
    app.register_blueprint(importlib.import_module("contract_states").contract_states)
    with on_hypercorn(app) as url:
        monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", "the-key-of-our-tests")
        (command,) = (block for block in blocks("providers.md", "sh") if "verify cms" in block)
        words = command.replace("http://127.0.0.1:5002", url).partition(" ")[2]
        printed = run_in(my_service, *shlex.split(words))

    assert "keeps all 8 interactions of its contract" in printed, printed


def test_the_readme_shows_what_the_mock_prints() -> None:
    pacts = {pact.provider: pact for pact in shipped_pacts()}
    mock = Mock([Backend(pacts[RAS]), Backend(pacts[CMS])], find_scenario("default"))
    urls = ("http://127.0.0.1:4003", "http://127.0.0.1:5002")
    places = [Place(url, [backend]) for url, backend in zip(urls, mock.backends, strict=True)]
    printed = banner(places, "http://127.0.0.1:4100", mock).partition("\n\nTry:")[0]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert printed in readme


def test_the_pictures_of_the_documents_are_there() -> None:
    for document in (ROOT / "README.md", ROOT / "examples" / "bff" / "README.md", *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links {target}"
