"""`bff-contracts diff`: what it prints, what it ends with, and where it finds the contracts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.cli import main
from bff_contracts.pact.file import shipped_pacts
from tests.contracts.comparison.editing import INTEGER, PACTS, RAS, STATUS, TYPE, Json, edited, matchers, other, ruled


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A contract, and one that is stricter."""
    old, new = edited(RAS, STATUS, ruled("$.assignment_id", matchers(TYPE)))
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    return str(tmp_path / "old.json"), str(tmp_path / "new.json")


def test_text(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["diff", *files])
    printed = capsys.readouterr().out

    assert code == 0
    assert printed.startswith(
        "result-aggregator-service: 1 stricter\n\n  stricter  interaction 'batch status: a batch'\n"
    )
    assert "    an answer that was allowed and is not any more: body.assignment_id = null (" in printed
    assert printed.endswith("\nNothing changed for 2 interactions.\n")


def test_markdown(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", *files, "--format", "markdown"])
    printed = capsys.readouterr().out

    assert (
        "### result-aggregator-service: 1 stricter\n\n- **stricter** interaction `batch status: a batch`\n" in printed
    )
    assert "  - `an answer that was allowed and is not any more: body.assignment_id = null (" in printed


@pytest.mark.slow("starts two processes")
def test_the_same_answer_each_time(tmp_path: Path) -> None:
    """In other processes too, where sets have another order."""
    old, new = edited(RAS, STATUS, lambda each: each["response"]["matchingRules"]["body"].clear())
    program = "import sys; from bff_contracts.cli import main; main(['diff', *sys.argv[1:]])"
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    printed = {
        subprocess.run(  # noqa: S603  our own interpreter
            [sys.executable, "-c", program, str(tmp_path / "old.json"), str(tmp_path / "new.json")],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(2)
    }

    assert len(printed) == 1
    assert "stricter" in printed.pop()


@pytest.mark.parametrize(
    ("order", "fail_on", "code"),
    [
        pytest.param((0, 1), "stricter", 1, id="stricter"),
        pytest.param((1, 0), "stricter", 0, id="looser"),
        pytest.param((1, 0), "any", 1, id="looser-any"),
        pytest.param((0, 0), "any", 0, id="same"),
    ],
)
def test_exit_codes(files: tuple[str, str], order: tuple[int, int], fail_on: str, code: int) -> None:
    assert main(["diff", files[order[0]], files[order[1]], "--fail-on", fail_on]) == code


def test_revisions_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "contracts" / "bff_contracts" / "pacts"
    folder.mkdir(parents=True)
    old, _ = edited(RAS, STATUS, ruled("$.assignment_id", matchers(TYPE)))
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "--quiet"], check=True)  # noqa: S603
    for message, pact in (("first", old), ("second", edited(RAS, STATUS, ruled("$.assignment_id", matchers(TYPE)))[1])):
        (folder / RAS).write_text(json.dumps(pact), encoding="utf-8")
        subprocess.run([*git, "add", "."], check=True)  # noqa: S603
        subprocess.run([*git, "commit", "--quiet", "-m", message], check=True)  # noqa: S603

    assert main(["diff", "HEAD~1", "HEAD"]) == 0
    assert "1 stricter" in capsys.readouterr().out
    assert main(["diff", str(PACTS)]) == 0
    count = sum(len(pact.interactions) for pact in shipped_pacts())
    assert capsys.readouterr().out == f"Nothing changed for {count} interactions.\n"


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        pytest.param(["no-such"], "'no-such' is neither a file nor a folder, nor a revision of git", id="nothing"),
        pytest.param(["--", "--help"], "'--help' is neither a file nor a folder", id="an-option"),
        pytest.param([__file__], "not JSON", id="no-pact"),
        pytest.param([str(Path(__file__).parent)], "there are no pacts in", id="empty-folder"),
    ],
)
def test_what_cannot_be_compared_is_a_2(words: list[str], reported: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *words]) == 2
    assert reported in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        pytest.param(
            other({"a": None}, {"$.a": matchers(INTEGER)}),
            other({"a": 1}, {"$.a": matchers(INTEGER)}),
            "b: interaction 'it': the ",
            id="own",
        ),
        pytest.param(
            other({"a": 1}),
            other({"a": float("inf")}),
            "new.json: $: not JSON (Infinity is no number of JSON)",
            id="infinity",
        ),
    ],
)
def test_a_contract_that_cannot_be_judged_is_said_to_be_one(
    old: Json, new: Json, reported: str, tmp_path: Path, capsys: Any
) -> None:
    for name, pact in (("old", old), ("new", new)):
        (tmp_path / f"{name}.json").write_text(json.dumps(pact), encoding="utf-8")

    assert main(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 2
    assert reported in capsys.readouterr().err


def test_markdown_holds_what_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = other({"a": 1}), other({"a": 1})
    new["interactions"][0]["description"] = "evil`\n# injected @org <img src=x>"
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    main(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json"), "--format", "markdown"])

    assert "\n# injected" not in capsys.readouterr().out
