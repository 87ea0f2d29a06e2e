"""A world of many teachers or batches costs only its rendered rows, once."""

import json
from typing import Any, get_args

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.states import (
    BATCHES_HAVE_CLASSES,
    BATCHES_HAVE_STUDENT_NAMES,
    BATCHES_HAVE_VALIDATIONS,
    KINDS,
    USER_HAS_BATCHES,
    InternalStatus,
)
from bff_mock_server import read_scenario
from bff_mock_server.world.changes import RowsDraft
from bff_mock_server.world.rows import BatchFact, Rows
from bff_mock_server.world.scenarios import model, school
from bff_mock_server.world.states import validated
from tests.mock_server.building import HEADERS, app_of, request


def test_a_large_school_makes_the_batches_that_are_shown_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = school.batch_of

    def counted(teacher: str, at: int, status: str) -> dict[str, Any]:
        made.append(at)
        return real(teacher, at, status)

    monkeypatch.setattr(school, "batch_of", counted)
    scenario = read_scenario("teachers: [{name: A, user_id: a, batches: 10000}]", name="large", source="large.yaml")
    app = app_of(*shipped_pacts(), world=scenario.build())

    page = app.reply(request("/internal/v1/batches/user/a?limit=20&offset=5000", headers=HEADERS))
    app.reply(request("/internal/v1/batches/user/a?limit=20&offset=5010"))

    assert json.loads(page.body)["pagination"]["total"] == 10_000
    assert made == list(range(5000, 5030))


def test_a_large_school_makes_the_names_that_are_shown_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = school.essay_id

    def counted(key: str, number: int) -> str:
        made.append(key)
        return real(key, number)

    monkeypatch.setattr(school, "essay_id", counted)
    text = "teachers: [{name: A, user_id: a, batches: 1000, classes: [SA24B]}]"
    scenario = read_scenario(text, name="large", source="large.yaml")
    app = app_of(*shipped_pacts(), world=scenario.build())
    one = school.TeachersBatches("a", 1000, ()).batch_ids[500]

    answers = [app.reply(request(f"/internal/v1/batches/{one}/student-names")).body for _ in range(4)]

    assert all(json.loads(answer) for answer in answers)
    assert set(made) == {"a/500"}


def test_a_scenario_copies_the_maps_of_its_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drafts: list[Rows] = []

    class Counted(RowsDraft):
        def __init__(self, rows: Rows) -> None:
            drafts.append(rows)
            super().__init__(rows)

    monkeypatch.setattr(model, "RowsDraft", Counted)
    teachers = ", ".join(f"{{name: T{number}, batches: 1}}" for number in range(50))
    scenario = read_scenario(f"teachers: [{teachers}]", name="many", source="many.yaml")

    assert (len(scenario.rows.users), len(drafts)) == (50, 1)


@pytest.mark.parametrize("status", get_args(InternalStatus))
def test_what_a_school_makes_is_what_the_catalogue_allows(status: str) -> None:
    params = school.TeachersBatches("anna", 7, (status,))

    stored = validated(USER_HAS_BATCHES, params).apply_to(RowsDraft(Rows())).rows()

    assert len(params) == len(set(params)) == 2
    assert [dict(one.fields) for one in params.ras_batches()] == [dict(one.fields) for one in stored.users["anna"]]
    for name, kind in (
        (BATCHES_HAVE_CLASSES, school.Classes),
        (BATCHES_HAVE_VALIDATIONS, school.Validations),
        (BATCHES_HAVE_STUDENT_NAMES, school.StudentNames),
    ):
        made = kind(params, ("9A", None))
        known = validated(name, made).apply_to(RowsDraft(Rows())).rows().facts(name)
        assert list(made) == [KINDS[name].param()]
        assert len(made) == 1
        assert {batch_id: _shown(fact) for batch_id, fact in made.facts().items()} == {
            batch_id: _shown(fact) for batch_id, fact in known.items()
        }


def _shown(fact: BatchFact | None) -> object:
    return fact and (fact.fields, list(fact.rows))
