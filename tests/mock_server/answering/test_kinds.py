"""The kinds by which the answers to one request are distinguished."""

from typing import Any

import pytest

from bff_mock_server.answering.kinds import (
    NONE_HAS,
    UNKNOWN,
    kind_in_status,
    kind_of_batch,
    kind_of_list,
    kind_of_map,
    kind_of_page,
)

A_CLASS = {"class_id": "7"}


def entries(have: int, lack: int) -> dict[str, Any]:
    return {str(at): A_CLASS if at < have else None for at in range(have + lack)}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param([], None, id="no-map"),
        pytest.param({}, NONE_HAS, id="empty"),
        pytest.param(entries(0, 1), NONE_HAS, id="one-has-none"),
        pytest.param(entries(0, 20), NONE_HAS, id="twenty-have-none"),
        pytest.param(entries(0, 21), {"none", "several", "many"}, id="many-have-none"),
        pytest.param(entries(1, 0), {"all", "one"}, id="one"),
        pytest.param(entries(2, 0), {"all", "several"}, id="all"),
        pytest.param(entries(1, 1), {"some", "several"}, id="some"),
        pytest.param(entries(20, 0), {"all", "several"}, id="twenty"),
        pytest.param(entries(20, 1), {"some", "several", "many"}, id="many"),
    ],
)
def test_a_map_shows_how_many_ids_have_something(answer: Any, kind: set[str] | None) -> None:
    assert kind_of_map(answer) == kind


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        pytest.param([], NONE_HAS, id="none"),
        pytest.param([{"a": "x"}], {"rows", "one"}, id="one"),
        pytest.param([{"a": "x"}, {"a": "y"}], {"rows", "several"}, id="several"),
        pytest.param([{"a": "x", "n": 1}, {"a": "y", "n": 1}], {"rows", "several"}, id="numbers-in-common"),
        pytest.param([{"a": "x"}, {"a": "x"}], {"rows", "several", "repeats"}, id="an-id-in-common"),
        pytest.param([{"a": None}], {"rows", "one", "nulls"}, id="null"),
        pytest.param([{"a": "x"}, {"b": {"c": None}}], {"rows", "several", "nulls"}, id="null-below"),
        pytest.param(["x", 1], {"rows", "several"}, id="no-objects"),
    ],
)
def test_a_list_shows_what_its_rows_have_in_common_and_lack(rows: list[Any], kind: set[str]) -> None:
    assert kind_of_list(rows) == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param([], frozenset[Any](), id="no-object"),
        pytest.param({}, UNKNOWN, id="nothing"),
        pytest.param(
            {"overall_status": "ready", "current_phase": "spellcheck", "other": 1},
            {("overall_status", "ready"), ("current_phase", "spellcheck"), ("essays", "none")},
            id="status-and-phase",
        ),
        pytest.param({"overall_status": 1, "current_phase": []}, UNKNOWN, id="no-texts"),
    ],
)
def test_a_batch_shows_its_status_and_its_phase(body: Any, kind: Any) -> None:
    assert kind_of_batch(body) == kind


FAILED, DONE = "failed", "completed"


@pytest.mark.parametrize(
    ("essays", "shown"),
    [
        pytest.param(None, "none", id="null"),
        pytest.param([], "none", id="none"),
        pytest.param({"a": 1}, "none", id="no-list"),
        pytest.param([1], "some", id="no-object"),
        pytest.param([{"spellcheck_status": DONE}, {"cj_assessment_status": DONE}], "some", id="some"),
        pytest.param([{"spellcheck_status": DONE}, {"spellcheck_status": FAILED}], "some failed", id="one-failed"),
        pytest.param([{"cj_assessment_status": FAILED}, {"spellcheck_status": FAILED}], "all failed", id="all-failed"),
        pytest.param([{"spellcheck_status": DONE, "cj_assessment_status": FAILED}], "all failed", id="in-one-phase"),
    ],
)
def test_a_batch_shows_whether_its_essays_failed(essays: Any, shown: str) -> None:
    assert ("essays", shown) in kind_of_batch({"essays": essays})


def test_what_is_stored_of_a_batch_tells_more_than_its_answer() -> None:
    assert kind_in_status("cancelled") == {("internal_status", "cancelled")}


def rows_of(*phases: str | None, status: str = "ready") -> list[dict[str, Any]]:
    return [{"current_phase": phase, "overall_status": status} for phase in phases]


@pytest.mark.parametrize(
    ("rows", "offset", "limit", "is_last", "kind"),
    [
        pytest.param([], 0, 20, True, {"no rows", "first"}, id="none"),
        pytest.param([], 1, 20, True, {"no rows", "later"}, id="past-the-end"),
        pytest.param(rows_of(None), 0, 20, True, {"rows", "first"}, id="one"),
        pytest.param(rows_of(None), 0, 1, True, {"rows", "first"}, id="one-of-one"),
        pytest.param(rows_of(None, None), 0, 20, True, {"rows", "first", "several"}, id="several"),
        pytest.param(rows_of(None, None), 0, 2, True, {"rows", "first", "several", "full"}, id="full"),
        pytest.param(rows_of(None), 1, 20, True, {"rows", "later", "last"}, id="last"),
        pytest.param(rows_of("spellcheck"), 1, 21, False, {"rows", "later", "more"}, id="later"),
        pytest.param(rows_of("spellcheck"), 0, 20, False, {"rows", "first", "spellcheck"}, id="phase"),
        pytest.param(rows_of(None), 0, 21, False, {"rows", "first", "long"}, id="long"),
        pytest.param([{"a": 1}], 0, 20, False, {"rows", "first"}, id="of-another-form"),
        pytest.param([{"current_phase": [1]}], 0, 20, False, {"rows", "first"}, id="no-texts"),
        pytest.param(
            [*rows_of(None), *rows_of(None, status="failed")],
            0, 20, False, {"rows", "first", "several", "mixed"}, id="mixed",
        ),
    ],
)  # fmt: skip
def test_a_page_shows_how_full_it_is_and_where(
    rows: list[dict[str, Any]],
    offset: int,
    limit: int,
    is_last: bool,  # noqa: FBT001  # a row of the table
    kind: set[str],
) -> None:
    assert kind_of_page(rows, offset, limit, is_last=is_last) == kind
