"""A teacher sees their own batches alone."""

from operator import itemgetter
from typing import Any

import httpx
import pytest

from bff_mock_server import Backends, a_batch
from examples.bff.tests.conftest import COLLEAGUE, TEACHER

pytestmark = pytest.mark.anyio

DASHBOARD = "/bff/v1/teacher/dashboard"
MOMENT = "2026-02-01T08:15:30"
SVENSKA = {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": "Svenska 1 – SA24B"}


async def test_each_batch_has_its_class_name_or_none(backends: Backends, bff: httpx.AsyncClient) -> None:
    newer, older = a_batch(1), a_batch(2, status="processing_pipelines")
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[newer, older])
    backends.given("batches have exactly these classes", classes={newer["batch_id"]: SVENSKA, older["batch_id"]: None})

    page = (await bff.get(DASHBOARD)).json()

    assert [(row["class_name"], row["status"]) for row in page["batches"]] == [
        ("Svenska 1 – SA24B", "completed_successfully"),
        (None, "processing"),
    ]


async def test_date_times_carry_their_offset(backends: Backends, bff: httpx.AsyncClient) -> None:
    batch = a_batch(created_at="2026-01-31T09:00:00")
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[batch])

    page = (await bff.get(DASHBOARD)).json()

    assert page["batches"][0]["created_at"] == "2026-01-31T09:00:00Z"


async def test_a_later_page_has_its_position(backends: Backends, bff: httpx.AsyncClient) -> None:
    rows = [a_batch(number) for number in range(5)]
    backends.given("user has exactly these batches", user_id=TEACHER, batches=rows)

    page = (await bff.get(DASHBOARD, params={"limit": 2, "offset": 2})).json()

    assert [row["batch_id"] for row in page["batches"]] == [row["batch_id"] for row in rows[2:4]]
    assert (page["limit"], page["offset"], page["total"]) == (2, 2, 5)


async def test_the_filter_takes_what_the_teacher_sees(backends: Backends, bff: httpx.AsyncClient) -> None:
    rows = [
        a_batch(1, status="awaiting_student_validation"),
        a_batch(2, status="cancelled"),
        a_batch(3, status="processing_pipelines"),
    ]
    backends.given("user has exactly these batches", user_id=TEACHER, batches=rows)

    page = (await bff.get(DASHBOARD, params={"status": "processing"})).json()

    assert [(row["batch_id"], row["status"]) for row in page["batches"]] == [
        (rows[0]["batch_id"], "processing"),
        (rows[2]["batch_id"], "processing"),
    ]
    assert page["total"] == 2


async def test_a_teacher_without_batches_causes_no_request_to_cms(backends: Backends, bff: httpx.AsyncClient) -> None:
    page = (await bff.get(DASHBOARD)).json()

    assert (page["batches"], page["total"]) == ([], 0)
    assert not backends.asked("cms")


async def test_a_batch_shows_its_essays(backends: Backends, bff: httpx.AsyncClient) -> None:
    batch = a_batch()
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[batch])

    shown = (await bff.get(f"/bff/v1/teacher/batches/{batch['batch_id']}")).json()

    # By name: RAS promises no order.
    assert [essay["filename"] for essay in shown["essays"]] == sorted(essay["filename"] for essay in batch["essays"])
    assert shown["batch"]["essay_count"] == batch["essay_count"]


def named(essay: dict[str, Any], first_name: str, full_name: str | None) -> dict[str, Any]:
    name = {"first_name": first_name, "last_name": "Öberg", "legal_full_name": full_name}
    student_id = f"26b9045a-e947-5833-ab3e-{len(first_name):012d}"
    return {"essay_id": essay["essay_id"], "student_id": student_id, "student_person_name": name}


@pytest.mark.parametrize(
    ("fault", "students"),
    [
        pytest.param("latency=1ms", ["Åsa Kristina Öberg", "Bo Öberg", None], id="known"),
        pytest.param("html=404", [None, None, None], id="not-deployed"),
    ],
)
async def test_each_essay_has_its_student_if_cms_knows_who_it_is(
    backends: Backends, bff: httpx.AsyncClient, fault: str, students: list[str | None]
) -> None:
    row = a_batch()
    first, second, _ = essays = sorted(row["essays"], key=itemgetter("filename"))
    names = [named(second, "Bo", None), named(first, "Åsa", "Åsa Kristina Öberg")]
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[row])
    backends.given("batches have exactly these student names", student_names={row["batch_id"]: names})
    backends.fail("cms GET /internal/v1/batches/*/student-names", fault)

    response = await bff.get(f"/bff/v1/teacher/batches/{row['batch_id']}")

    shown = [(essay["essay_id"], essay["student"]) for essay in response.json()["essays"]]
    assert shown == list(zip((essay["essay_id"] for essay in essays), students, strict=True))


async def test_a_colleagues_batch_is_a_404_like_an_unknown_one(backends: Backends, bff: httpx.AsyncClient) -> None:
    theirs, nowhere = a_batch(1), a_batch(2)
    backends.given("user has exactly these batches", user_id=COLLEAGUE, batches=[theirs])
    backends.given("batch does not exist", batch_id=nowhere["batch_id"])

    responses = [await bff.get(f"/bff/v1/teacher/batches/{batch['batch_id']}") for batch in (theirs, nowhere)]

    errors = [(response.status_code, response.json()["error"]["code"]) for response in responses]
    assert errors == [(404, "RESOURCE_NOT_FOUND")] * 2
    assert responses[0].json()["error"]["message"] == responses[1].json()["error"]["message"]
    assert not backends.asked("cms")


@pytest.mark.parametrize(
    ("fault", "validation"),
    [
        pytest.param("latency=1ms", {"confirmed": 23, "total": 25}, id="deployed"),
        pytest.param("html=404", None, id="not-yet"),
    ],
)
async def test_a_batch_is_shown_while_cms_has_no_validation_status_yet(
    backends: Backends, bff: httpx.AsyncClient, fault: str, validation: object
) -> None:
    row = a_batch(1)
    backends.given("user has exactly these batches", user_id=TEACHER, batches=[row])
    known = {
        "deviation_count": 2,
        "auto_confirm_deadline": MOMENT,
        "total_associations": 25,
        "confirmed_associations": 23,
    }
    backends.given("batches have exactly these validations", validations={row["batch_id"]: known})
    backends.fail("cms GET /internal/v1/batches/validation-status", fault)

    response = await bff.get(f"/bff/v1/teacher/batches/{row['batch_id']}")

    assert (response.status_code, response.json()["validation"]) == (200, validation)
