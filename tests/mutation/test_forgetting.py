"""What is forgotten: of earlier runs the survivors that are meant, and what functions remember of earlier tests."""

import json
from functools import cache
from pathlib import Path

import pytest

from tests.mutation import __main__ as mutation
from tests.mutation import fastest_first
from tests.support import quart_providers

NOTICED, SURVIVED = 1, 0


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        pytest.param([], {"a.x": NOTICED, "a.y": None, "b.z": None}, id="all"),
        pytest.param(["b.*"], {"a.x": NOTICED, "a.y": SURVIVED, "b.z": None}, id="some"),
    ],
)
def test_survivors_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, patterns: list[str], left: dict[str, int | None]
) -> None:
    monkeypatch.setattr(mutation, "FOLDER", tmp_path)
    file = tmp_path / "mutants" / "src" / "p" / "m.py.meta"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"exit_code_by_key": {"a.x": NOTICED, "a.y": SURVIVED, "b.z": SURVIVED}}))

    mutation.forget_survivors(patterns)

    assert json.loads(file.read_text()) == {"exit_code_by_key": left}


@cache
def remembered() -> object:
    return object()


@pytest.mark.parametrize(
    ("run", "is_kept"),
    [pytest.param("stats", False, id="which-test-reaches-what"), pytest.param("a.x__mutmut_1", True, id="a-mutant")],
)
def test_what_was_made_for_an_earlier_test_is_made_again_while_it_is_found_out_which_test_reaches_what(
    monkeypatch: pytest.MonkeyPatch,
    run: str,
    is_kept: bool,  # noqa: FBT001  # a row of the table
) -> None:
    monkeypatch.setenv("MUTANT_UNDER_TEST", run)
    before = remembered()

    fastest_first.pytest_runtest_setup()

    assert (remembered() is before) is is_kept


def test_what_stands_for_a_request_outside_of_one_is_left_alone() -> None:
    with pytest.raises(RuntimeError):
        hasattr(vars(quart_providers)["request"], "cache_clear")

    fastest_first.forget()
