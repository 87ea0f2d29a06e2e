"""Names of persons are found in JSON, and cut out of texts in every spelling."""

import json

import pytest

from bff_contracts.personal import names_in, renamed, without_names

ROW = {"student_id": "7", "student_person_name": {"first_name": "Åsa", "last_name": 'O"Hara', "legal_full_name": None}}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([ROW], id="rows"),
        pytest.param({"x": [[ROW]]}, id="deep"),
        pytest.param({"student_person_name": ["Åsa", {"a": 'O"Hara'}]}, id="of-another-form"),
        pytest.param([json.dumps(ROW)], id="quoted"),
        pytest.param(json.dumps({"student_person_name": ["Åsa", {"a": 'O"Hara'}]}), id="quoted-of-another-form"),
        pytest.param(json.dumps([{"student_person_name": ["Åsa", {"a": 'O"Hara'}]}]), id="quoted-list"),
        pytest.param([json.dumps([json.dumps(ROW, ensure_ascii=False)])], id="quoted-twice"),
        pytest.param(
            {"first_name": "Åsa", "x": {"last_name": 'O"Hara'}, "legal_full_name": " ", "y": "[no"}, id="flat"
        ),
    ],
)
def test_every_text_below_a_member_that_names_a_person_is_a_name(value: object) -> None:
    assert names_in(value) == {"Åsa", 'O"Hara'}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps([ROW])[:-2], id="ascii"),
        pytest.param(json.dumps([ROW], ensure_ascii=False)[:-2], id="json"),
        pytest.param(json.dumps(json.dumps([ROW]))[:-2], id="quoted"),
        pytest.param(f"Expected {json.dumps(ROW)} to be", id="in-a-sentence"),
    ],
)
def test_names_are_found_in_json_that_breaks_off(text: str) -> None:
    assert names_in(text) == {"Åsa", 'O"Hara'}


def test_a_name_that_breaks_off_is_found_as_far_as_it_goes() -> None:
    assert names_in('[{"first_name": "\\ud83d\\ude00 \\u00C5s') == {"😀 Ås"}
    assert names_in('[{"first_name": "Ek \\ud83d') == {"Ek \ufffd"}


def test_json_that_is_too_deep_to_be_read_is_searched_as_text() -> None:
    assert names_in("[" * 100_000 + '{"first_name": "Åsa"}') == {"Åsa"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"Expected {json.dumps(ROW)} to be", id="ascii"),
        pytest.param(f"Expected {json.dumps(ROW, ensure_ascii=False)} to be", id="json"),
        pytest.param(json.dumps([json.dumps(ROW)]), id="quoted"),
        pytest.param(json.dumps([json.dumps(ROW, ensure_ascii=False)], ensure_ascii=False), id="quoted-as-it-is"),
        pytest.param("Expected 'Åsa' and 'O\"Hara'", id="plain"),
    ],
)
def test_a_name_is_cut_out_however_it_is_spelled(text: str) -> None:
    shown = without_names(text, names_in(ROW), "…")

    assert [part for part in ("sa", "Hara") if part in shown] == []
    assert shown.count("…") == 2


def test_a_short_name_is_cut_out_where_it_is_a_word() -> None:
    assert without_names("Bo, Borås, 'Bo'", {"Bo"}, "…") == "…, Borås, '…'"


def test_a_name_that_is_a_part_of_another_leaves_nothing_of_that() -> None:
    assert without_names("Bo Ek", {"Bo", "Bo Ek"}, "…") == "…"


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_each_spelling_of_a_name_is_cut_out(times: int, ensure_ascii: bool) -> None:  # noqa: FBT001  # a row of the table
    spelled = 'Å"s'
    for _ in range(times):
        spelled = json.dumps(spelled, ensure_ascii=ensure_ascii)[1:-1]

    assert without_names(f"<{spelled}>", {'Å"s'}, "…") == "<…>"


def test_a_body_without_names_is_unchanged() -> None:
    assert without_names("Expected 'x'", names_in([{"class_name": "x"}]), "…") == "Expected 'x'"


def test_each_name_is_renamed_and_nothing_else() -> None:
    name = {"first_name": "NAME", "last_name": "NAME", "legal_full_name": None}

    assert renamed([ROW, {"first_name": ""}], lambda _: "NAME") == [
        {"student_id": "7", "student_person_name": name},
        {"first_name": ""},
    ]
    assert renamed({"student_person_name": ["Åsa", {"a": "Ek"}]}, str.upper) == {
        "student_person_name": ["ÅSA", {"a": "EK"}]
    }
