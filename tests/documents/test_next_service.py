"""The recipe for the next service is all that it takes: applied to a copy of the packages, everything knows it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents.blocks import ROOT, runs

PAGE = "docs/extending.md"
PACKAGES = ("contracts/bff_contracts", "mock_server/bff_mock_server")
FILES = (
    "bff_contracts/platform.py",
    "bff_contracts/states.py",
    "bff_contracts/states.py",
    "bff_mock_server/answering/simulators.py",
)
HEADERS = {"X-Internal-API-Key": "INJECTED-AT-VERIFICATION", "X-Service-ID": "bff-teacher-service"}
BOOKS = {"user_id": "anna", "titles": ["Doktor Glas"]}
A_TEST = f"""
import httpx

HEADERS = {HEADERS!r}


def test_it(backends):
    backends.given("user has exactly these books", user_id="anna", titles=["Aniara", "Kallocain"])
    url = f"{{backends.library_url}}/internal/v1/books/user/anna"
    assert httpx.get(url, headers=HEADERS).json() == {{"titles": ["Aniara", "Kallocain"]}}
    backends.fail("library", "status=503")
    assert httpx.get(url, headers=HEADERS).status_code == 503
    assert len(backends.asked("library")) == 2
"""


@pytest.mark.slow("runs the tests of a copy of the packages")
@runs(PAGE, "     Provider(CMS", "+class UserHasBooks", "+    ProviderState", "+def _library")
def test_all_packages_support_the_next_service(blocks: list[str], tmp_path: Path) -> None:
    site = tmp_path / "site"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, site / Path(package).name, ignore=shutil.ignore_patterns("__pycache__"))
    for file, block in zip(FILES, blocks, strict=True):
        apply(block, site / file)
    (site / "bff_contracts" / "pacts" / "library.json").write_text(json.dumps(pact()), encoding="utf-8")

    assert "user_id" in run(site, "bff_contracts", "states", "library")
    assert "the books of a user" in run(site, "bff_contracts", "list", "library")
    with mock_of(site, "--only", "library", "--library-port", "0") as (banner, control):
        (url,) = re.findall(r"library-service +(http://\S+)", banner)
        states = f"{url}/_pact/provider_states"
        assert "keeps all" in run(site, "bff_contracts", "verify", "library", "--url", url, "--states-url", states)
        assert httpx.get(f"{control}/_mock/").json()["backends"] == [
            {"provider": "library-service", "label": "LIBRARY", "url": url, "proxied": None}
        ]
    (tmp_path / "test_it.py").write_text(A_TEST, encoding="utf-8")
    assert "1 passed" in run(site, "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_it.py"))


def apply(diff: str, file: Path) -> None:
    """Apply a diff without line numbers, whose old text occurs once in the file."""
    lines = diff.splitlines()
    old = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    new = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    text = file.read_text(encoding="utf-8")

    assert text.count(old) == 1, f"{file.name} has not just once:\n{old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def environment(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(site), "NO_COLOR": "1"}


def run(site: Path, module: str, *words: str) -> str:
    done = subprocess.run(  # noqa: S603  # our own programs
        [sys.executable, "-m", module, *words],
        env=environment(site),
        cwd=site.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def mock_of(site: Path, *options: str) -> Generator[tuple[str, str]]:
    command = [sys.executable, "-m", "bff_mock_server", *options, "--control-port", "0"]
    with subprocess.Popen(command, env=environment(site), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            banner = ""
            for line in process.stdout:
                banner += line
                if line.startswith("Key for"):
                    break
            yield banner, re.findall(r"control page +(http://[^/]+)/", banner)[0]
        finally:
            process.terminate()


def pact() -> dict[str, Any]:
    """What a consumer test would have written: a shape, and a refusal."""
    anything: dict[str, Any] = {"combine": "AND", "matchers": [{"match": "type"}]}
    path = {"combine": "AND", "matchers": [{"match": "regex", "regex": "^/internal/v1/books/user/[^/]+$"}]}
    request = {"method": "GET", "path": "/internal/v1/books/user/anna"}

    def interaction(description: str, headers: Sequence[str], **parts: Any) -> dict[str, Any]:
        rules = {"path": path, "header": {name: anything for name in headers if name == "X-Internal-API-Key"}}
        sent = {name: [HEADERS[name]] for name in headers}
        return {
            "type": "Synchronous/HTTP",
            "description": description,
            "request": {**request, "headers": sent, "matchingRules": rules},
            **parts,
        }

    def answer(status: int, body: Any, rules: dict[str, Any]) -> dict[str, Any]:
        content = {"content": body, "contentType": "application/json", "encoded": False}
        return {"status": status, "body": content, "matchingRules": {"body": rules}}

    return {
        "consumer": {"name": "bff-teacher-service"},
        "provider": {"name": "library-service"},
        "interactions": [
            interaction(
                "the books of a user",
                list(HEADERS),
                comments={"role": "shape"},
                providerStates=[{"name": "user has exactly these books", "params": BOOKS}],
                response=answer(200, {"titles": BOOKS["titles"]}, {"$.titles": anything, "$.titles[*]": anything}),
            ),
            interaction(
                "refused: the books of a user without a key",
                ["X-Service-ID"],
                response=answer(401, {"error": "Missing authentication"}, {}),
            ),
        ],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
