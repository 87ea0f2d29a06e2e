"""The default scenario has every case, and is the same on every machine."""

from collections import Counter
from typing import get_args

from bff_contracts.states import BATCHES_HAVE_CLASSES, BATCHES_HAVE_VALIDATIONS, InternalStatus
from bff_mock_server import find_scenario
from tests.mock_server.building import call, cms_app, ras_app

SCENARIO = find_scenario("default")
WORLD = SCENARIO.build()
STATUSES = get_args(InternalStatus)
PHASES = {"spellcheck", "cj_assessment", None}


def test_the_default_scenario_is_the_same_every_time() -> None:
    assert find_scenario("default") == SCENARIO


def test_the_teachers_have_what_the_banner_says() -> None:
    assert [len(WORLD.rows.users[teacher.user_id]) for teacher in SCENARIO.teachers] == [
        teacher.batches for teacher in SCENARIO.teachers
    ]
    assert [SCENARIO.teachers[0].batches, SCENARIO.teachers[-1].batches] == [250, 0]


def test_every_internal_status_occurs_for_the_busy_teacher_and_alone() -> None:
    busy, each = (Counter(row.internal_status for row in WORLD.rows.users[t.user_id]) for t in SCENARIO.teachers[:2])

    assert set(busy) == set(STATUSES)
    assert each == Counter(STATUSES)


def test_every_phase_occurs() -> None:
    assert {row.fields["current_phase"] for row in WORLD.rows.batches.values()} == PHASES


def test_every_batch_is_known_to_cms_some_without_a_class() -> None:
    classes = WORLD.rows.facts(BATCHES_HAVE_CLASSES)

    assert set(classes) == set(WORLD.rows.batches)
    assert None in classes.values()
    assert len({known.fields["class_id"] for known in classes.values() if known}) == len(
        {known.fields["class_name"] for known in classes.values() if known}
    )


def test_counts_agree_with_the_essays() -> None:
    for row in WORLD.rows.batches.values():
        answer = row.fields
        if answer["essays"]:
            assert answer["essay_count"] == len(answer["essays"])
            assert answer["completed_essay_count"] + answer["failed_essay_count"] <= answer["essay_count"]


async def test_every_batch_that_ras_lists_has_an_answer_at_cms_and_a_status() -> None:
    ras, cms = ras_app(WORLD), cms_app(WORLD)
    listed: list[str] = []
    for offset in range(0, 250, 100):
        target = f"/internal/v1/batches/user/{SCENARIO.teachers[0].user_id}?limit=100&offset={offset}"
        listed += [row["batch_id"] for row in (await call(ras, target)).json["batches"]]
    answer = await call(cms, f"/internal/v1/batches/class-info?batch_ids={','.join(listed[:100])}")
    one = await call(ras, f"/internal/v1/batches/{listed[3]}/status")

    assert (len(set(listed)), set(answer.json)) == (250, set(listed[:100]))
    assert (one.status, one.json["batch_id"]) == (200, listed[3])


def test_batches_whose_students_are_validated_say_how_far_that_is() -> None:
    validated = {
        row.internal_status: entry.fields
        for row in WORLD.rows.batches.values()
        if (entry := WORLD.rows.facts(BATCHES_HAVE_VALIDATIONS)[row.batch_id]) is not None
    }

    assert set(validated) == {
        "awaiting_student_validation",
        "student_validation_completed",
        "validation_timeout_processed",
    }
    for status, fields in validated.items():
        is_open = status == "awaiting_student_validation"
        assert (fields["auto_confirm_deadline"] is not None) == is_open
        assert (fields["confirmed_associations"] < fields["total_associations"]) == is_open


async def test_the_essays_of_a_class_have_their_students() -> None:
    """The same ids as RAS's essays; no essays and no class have none."""
    ras, cms = ras_app(WORLD), cms_app(WORLD)
    classes = WORLD.rows.facts(BATCHES_HAVE_CLASSES)
    students: dict[str, set[str]] = {}
    for row in WORLD.rows.users[SCENARIO.teachers[1].user_id]:
        essays = (await call(ras, f"/internal/v1/batches/{row.batch_id}/status")).json["essays"]
        names = (await call(cms, f"/internal/v1/batches/{row.batch_id}/student-names")).json
        has_class = classes[row.batch_id] is not None

        validation = WORLD.rows.facts(BATCHES_HAVE_VALIDATIONS)[row.batch_id]
        assert validation is None or validation.fields["total_associations"] == len(names)
        assert {name["essay_id"] for name in names} == ({essay["essay_id"] for essay in essays} if has_class else set())
        files = {essay["essay_id"]: essay["filename"] for essay in essays}
        for name in names:
            last_name = name["student_person_name"]["last_name"]
            assert files[name["essay_id"]] == f"uppsats_{last_name.lower()}.docx"
            students.setdefault(name["student_id"], set()).add(name["student_person_name"]["legal_full_name"])
    assert students
    assert {len(found) for found in students.values()} == {1}
