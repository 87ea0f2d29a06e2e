"""Tests that `make test` leaves out have a reason, and CI runs them."""

import tomllib
from pathlib import Path

import pytest

from tests.support.lanes import few_or_many, has_reason, one_in

ROOT = Path(__file__).parents[2]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pdm"]["scripts"]


@pytest.mark.parametrize(
    ("mark", "is_one"),
    [
        pytest.param(pytest.mark.slow("starts mypy"), True, id="reason"),
        pytest.param(pytest.mark.slow, False, id="none"),
        pytest.param(pytest.mark.slow(" "), False, id="blank"),
        pytest.param(pytest.mark.slow(reason="starts mypy"), False, id="by-name"),
    ],
)
def test_a_slow_test_has_a_reason(mark: pytest.MarkDecorator, is_one: bool) -> None:  # noqa: FBT001  # a row of the table
    assert has_reason(mark.mark) is is_one


def test_a_table_is_divided_and_no_row_is_lost() -> None:
    rows = one_in(3, range(7), "some reason")

    assert [row for row in rows if isinstance(row, int)] == [0, 3, 6]
    assert [row.values for row in rows if not isinstance(row, int)] == [(1,), (2,), (4,), (5,)]
    assert all(has_reason(mark) for row in rows if not isinstance(row, int) for mark in row.marks)


def test_a_search_is_in_both_lanes() -> None:
    _, (few, many) = few_or_many(5, 50).mark.args

    assert (few.values, few.marks) == ((5,), ())
    assert (many.values, len(many.marks)) == ((50,), 1)


def test_the_lanes_are_the_suite() -> None:
    """Together they select every test, and each place that runs the tests of a change runs both."""
    lanes = {name: SCRIPTS[name]["cmd"].partition(" -m ")[2].partition(" --")[0] for name in ("test", "test-slow")}
    commands = ("make test", ".tools/bin/pdm run test-slow")

    assert lanes == {"test": "'not slow'", "test-slow": "slow"}
    for file in (".ci/run", ".github/workflows/test.yml", ".github/workflows/contracts.yml"):
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        assert {command for command in commands if any(line.endswith(command) for line in lines)} == {*commands}, file
