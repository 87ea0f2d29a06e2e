"""Mock CMS: classes of batches, validation status, and names of students."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import pytest

from bff_contracts.platform import CMS, UUID_PATTERN
from bff_contracts.states import (
    BATCHES_HAVE_CLASSES,
    BATCHES_HAVE_STUDENT_NAMES,
    BATCHES_HAVE_VALIDATIONS,
    ByBatch,
    Params,
)
from bff_mock_server import MockApp
from bff_mock_server.world.changes import RowsDraft
from bff_mock_server.world.rows import Rows
from bff_mock_server.world.states import ValidState
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    HEADERS,
    app_of,
    batch_id,
    call,
    cms_app,
    interaction,
    pact,
    regex,
    rule,
    set_state,
)

CLASS = {"class_id": batch_id(900), "class_name": "Svenska 1 – SA24B"}
ONE, TWO, UNKNOWN, LATE = (batch_id(number) for number in (1, 2, 3, 4))
OPEN = {"deviation_count": 0, "auto_confirm_deadline": None, "total_associations": 9, "confirmed_associations": 2}
DEADLINE = {"deviation_count": 1, "auto_confirm_deadline": "2026-02-01T08:15:30.120"}


def classes(*ids: str) -> str:
    return f"/internal/v1/batches/class-info?batch_ids={','.join(ids)}"


@pytest.fixture
def app() -> MockApp:
    world = World()
    world.apply(BATCHES_HAVE_CLASSES, {"classes": {ONE: CLASS, TWO: None}})
    world.apply(BATCHES_HAVE_VALIDATIONS, {"validations": {ONE: OPEN, TWO: OPEN, LATE: {**OPEN, **DEADLINE}}})
    return cms_app(world)


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param([ONE], id="one"),
        pytest.param([ONE, TWO, UNKNOWN], id="with-a-class-without-and-unknown"),
        pytest.param([TWO], id="none"),
        pytest.param([ONE, ONE], id="twice-the-same"),
        pytest.param([batch_id(number) for number in range(100)], id="a-hundred"),
    ],
)
async def test_each_distinct_id_has_its_class_or_null(app: MockApp, ids: list[str]) -> None:
    answer = await call(app, classes(*ids))

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == {found: CLASS if found == ONE else None for found in ids}
    assert [answer.body.count(found.encode()) for found in ids] == [1] * len(ids)


async def test_an_entry_about_a_batch_has_its_batch_id(app: MockApp) -> None:
    target = f"/internal/v1/batches/validation-status?batch_ids={UNKNOWN},{LATE},{ONE},{TWO}"
    answers = [await call(app, target) for _ in range(2)]

    assert [(answer.status, answer.json) for answer in answers] == 2 * [
        (
            200,
            {
                UNKNOWN: None,
                LATE: {"batch_id": LATE, **OPEN, **DEADLINE},
                ONE: {"batch_id": ONE, **OPEN},
                TWO: {"batch_id": TWO, **OPEN},
            },
        )
    ]


def named(number: int, student: int, full_name: str | None) -> dict[str, Any]:
    name = {"first_name": "Åsa", "last_name": "Öberg", "legal_full_name": full_name}
    return {"essay_id": batch_id(600 + number), "student_id": batch_id(700 + student), "student_person_name": name}


NAMES = [named(number, number // 2, "Åsa Öberg" if number < 4 else None) for number in range(6)]


def names(one: str) -> str:
    return f"/internal/v1/batches/{one}/student-names"


@pytest.fixture
def listing(app: MockApp) -> MockApp:
    app.mock.sessions.default.apply(BATCHES_HAVE_STUDENT_NAMES, {"student_names": {ONE: NAMES, TWO: []}})
    return app


async def test_a_batch_lists_its_names_in_no_order_to_rely_on(listing: MockApp) -> None:
    answers = [await call(listing, names(ONE)) for _ in range(8)]

    assert {(answer.status, answer.headers["content-type"]) for answer in answers} == {(200, "application/json")}
    assert all(sorted(answer.json, key=itemgetter("essay_id")) == NAMES for answer in answers)
    assert 1 < len({answer.body for answer in answers}) <= 4


@pytest.mark.parametrize("one", [TWO, UNKNOWN])
async def test_a_batch_without_names_lists_none(listing: MockApp, one: str) -> None:
    assert ((await call(listing, names(one))).json, (await call(listing, names(ONE))).json != []) == ([], True)


async def test_a_session_has_its_own_names_and_a_state_can_be_torn_down(listing: MockApp) -> None:
    listing.mock.sessions.default.teardown(BATCHES_HAVE_STUDENT_NAMES, {"student_names": {ONE: NAMES, TWO: []}})
    await set_state(listing, BATCHES_HAVE_STUDENT_NAMES, {"student_names": {ONE: NAMES[:1]}}, session="a")
    inside = await call(listing, names(ONE), headers={**HEADERS, "X-Mock-Session": "a"})
    once = await call(listing, names(TWO), headers={**HEADERS, "X-Mock-State": BATCHES_HAVE_STUDENT_NAMES})

    assert (await call(listing, names(ONE))).json == []
    assert inside.json == NAMES[:1]
    assert [row["student_person_name"]["first_name"] for row in once.json] == ["Åsa"]


@pytest.mark.parametrize(
    ("rows", "interaction"),
    [
        pytest.param([], "names of students: none", id="none"),
        pytest.param(NAMES[:1], "names of students: one essay", id="one"),
        pytest.param([NAMES[0], NAMES[2]], "names of students: three essays", id="several"),
        pytest.param(
            NAMES[:4], "names of students: a student with two essays, and another of the same name", id="repeated"
        ),
        pytest.param([NAMES[0], NAMES[5]], "names of students: no full name is stored", id="missing"),
    ],
)
async def test_a_list_counts_for_the_case_that_it_shows(
    app: MockApp, rows: list[dict[str, Any]], interaction: str
) -> None:
    app.mock.sessions.default.apply(BATCHES_HAVE_STUDENT_NAMES, {"student_names": {ONE: rows}})
    await call(app, names(ONE))

    assert [found.interaction for found in app.mock.journal.exchanges()] == [interaction]


class Remark(Params):
    text: str


class BatchesHaveRemarks(ByBatch):
    remarks: Mapping[str, tuple[Remark, ...]]


async def test_a_new_kind_of_list_is_served_without_code() -> None:
    shape = interaction(
        "remarks: a batch",
        f"/batches/{ONE}/remarks",
        rules={"path": regex(f"^/batches/{UUID_PATTERN[1:-1]}/remarks$")},
        states=[{"name": "batches have remarks", "params": {"remarks": {ONE: [{"text": "fine"}]}}}],
        body=[{"text": "fine"}],
        body_rules={"$": rule({"match": "type"}), "$[*].text": rule({"match": "type"})},
        role="shape",
    )
    known = BatchesHaveRemarks(remarks={ONE: (Remark(text="late"), Remark(text="short")), TWO: ()})
    rows = ValidState("batches have remarks", known).apply_to(RowsDraft(Rows())).rows()
    app = app_of(pact(shape, provider=CMS), world=World(rows))

    found = [(await call(app, f"/batches/{one}/remarks")).json for one in (ONE, TWO, UNKNOWN)]

    assert [sorted(row["text"] for row in rows) for rows in found] == [["late", "short"], [], []]


@pytest.mark.parametrize("one", ["nonsense", ONE.upper(), ONE.replace("-", "")])
async def test_names_of_an_id_that_the_bff_never_sends_are_refused(listing: MockApp, one: str) -> None:
    answer = await call(listing, names(one))

    assert answer.status in {400, 404}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("target", "place"),
    [
        pytest.param(classes(ONE, "not-a-uuid"), "query batch_ids", id="malformed"),
        pytest.param(classes(ONE.upper().replace("26B", "26B")), "query batch_ids", id="not-canonical"),
        pytest.param(classes(), "query batch_ids", id="empty"),
        pytest.param("/internal/v1/batches/class-info", "query batch_ids", id="missing"),
        pytest.param(f"{classes(ONE)}&batch_ids=x", "query batch_ids", id="repeated"),
    ],
)
async def test_what_the_bff_never_sends_is_refused_with_the_reason(app: MockApp, target: str, place: str) -> None:
    answer = await call(app, target)

    assert answer.status == 400
    assert [difference["where"] for difference in answer.json["differences"]] == [place]


async def test_of_a_repeated_parameter_the_first_counts(app: MockApp) -> None:
    answer = await call(app, f"{classes(ONE)}&batch_ids={TWO}")

    assert (answer.status, answer.json) == (200, {ONE: CLASS})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"X-Service-ID": "anyone"}, 200, id="any-service"),
        pytest.param({"X-Service-ID": ""}, 401, id="no-service"),
        pytest.param({"X-Internal-API-Key": "wrong"}, 401, id="wrong-key"),
    ],
)
async def test_cms_requires_the_key_and_any_service_id(app: MockApp, change: dict[str, str], status: int) -> None:
    assert (await call(app, classes(ONE), headers={**HEADERS, **change})).status == status
