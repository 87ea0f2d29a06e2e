"""`bff-contracts diff`: what it prints, what it ends with, and where it finds the contracts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.cli import main
from tests.contracts.comparison.editing import INTEGER, PACTS, RAS, STATUS, TYPE, Json, edited, matchers, other, ruled
from tests.support.golden import Golden


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A contract, and one that is stricter."""
    old, new = edited(RAS, STATUS, ruled("$.assignment_id", matchers(TYPE)))
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    return str(tmp_path / "old.json"), str(tmp_path / "new.json")


def test_text(files: tuple[str, str], capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    code = main(["diff", *files])
    printed = capsys.readouterr().out

    assert code == 0
    golden.check(printed)


def test_markdown(files: tuple[str, str], capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    main(["diff", *files, "--format", "markdown"])
    printed = capsys.readouterr().out

    golden.check(printed)


@pytest.mark.slow("starts two processes")
def test_the_same_answer_each_time(tmp_path: Path) -> None:
    """In other processes too, where sets have another order."""

    def change(each: Json) -> None:
        each["response"]["matchingRules"]["body"].clear()
        each["request"]["matchingRules"]["path"]["matchers"][0]["regex"] = "^/internal/v1/batches/[^/?]+/status$"

    old, new = edited(RAS, STATUS, change)
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


def test_revisions_of_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
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
    golden.check(capsys.readouterr().out)
    assert main(["diff", str(PACTS)]) == 0
    golden.check(re.sub(r"\d+", "N", capsys.readouterr().out))


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["no-such"], id="nothing"),
        pytest.param(["--", "--help"], id="an-option"),
        pytest.param([__file__], id="no-pact"),
        pytest.param([str(Path(__file__).parent)], id="empty-folder"),
    ],
)
def test_input_that_cannot_be_compared_exits_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    assert main(["diff", *words]) == 2
    golden.check(capsys.readouterr().err.replace(str(Path(__file__).parent), "FOLDER"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            other({"a": None}, {"$.a": matchers(INTEGER)}), other({"a": 1}, {"$.a": matchers(INTEGER)}), id="own"
        ),
        pytest.param(other({"a": 1}), other({"a": float("inf")}), id="infinity"),
    ],
)
def test_an_invalid_contract_is_named(old: Json, new: Json, tmp_path: Path, capsys: Any, golden: Golden) -> None:
    for name, pact in (("old", old), ("new", new)):
        (tmp_path / f"{name}.json").write_text(json.dumps(pact), encoding="utf-8")

    assert main(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 2
    golden.check(capsys.readouterr().err.replace(str(tmp_path), "FOLDER"))


def test_markdown_escapes_its_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = other({"a": 1}), other({"a": 1})
    new["interactions"][0]["description"] = "evil`\n# injected @org <img src=x>"
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    (tmp_path / "new.json").write_text(json.dumps(new), encoding="utf-8")
    main(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json"), "--format", "markdown"])

    assert "\n# injected" not in capsys.readouterr().out


def test_a_line_break_of_an_example_is_spelled_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    for name, text in (("old", "a\nb"), ("new", "a\nc")):
        (tmp_path / f"{name}.json").write_text(json.dumps(other({"text": text})), encoding="utf-8")
    main(["diff", str(tmp_path / "old.json"), str(tmp_path / "new.json")])

    golden.check(capsys.readouterr().out)
