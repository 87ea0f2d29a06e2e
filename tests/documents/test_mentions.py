"""Commands and options that stand in a sentence exist, though nothing runs them there."""

import re
import tomllib
from collections.abc import Callable

import pytest

from bff_contracts import cli as contracts_cli
from bff_mock_server import cli as mock_cli
from tests.documents.blocks import ROOT, documents

MENTIONED = [
    (path.name, code)
    for path in documents()
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", path.read_text(encoding="utf-8"))
]
OTHERS = {
    "--show-capture": "pytest",
    "--dist": "pytest-xdist",
    "--no-deps": "pip",
    "--production": "pact broker create-environment",
    "--ssl-certificate": "pact broker",
    "--uuid": "pact broker test-webhook, pact broker delete-webhook",
    "--name": "pact broker create-or-update-pacticipant",
    "--main-branch": "pact broker create-or-update-pacticipant",
    "--list": "pdm run",
    "--fresh": "pdm run mutation",
    "--update": "pdm run benchmark-mock, pdm run benchmark-client",
    "--seed": "pdm run agreement",
}
"""Options of other programs."""


def help_of(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    return capsys.readouterr().out


def test_every_option_exists(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(contracts_cli.main, capsys)
    commands = re.findall(r"^    ([a-z-]+)(?: |$)", text, re.MULTILINE)
    texts = [help_of(contracts_cli.main, capsys, command) for command in commands]
    known = set(re.findall(r"--[a-z][a-z-]*", " ".join([*texts, text, help_of(mock_cli.main, capsys)])))
    mentioned = {(page, option) for page, code in MENTIONED for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)}

    assert len(commands) == 9
    assert len(mentioned) > 30
    assert {(page, option) for page, option in mentioned if option not in known | OTHERS.keys()} == set()


def test_every_script_is_one_of_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {(page, name) for page, code in MENTIONED for name in re.findall(r"pdm run ([a-z][a-z-]*)", code)}

    assert len(found) > 5
    assert {(page, name) for page, name in found if name not in project["tool"]["pdm"]["scripts"]} == set()
