"""Coverage counts an answer for the interactions whose case it shows, and the journal names the same ones."""

import json
from collections import Counter
from typing import Any

import pytest

from bff_contracts.platform import RAS
from bff_contracts.states import BATCHES_HAVE_CLASSES, BATCHES_HAVE_STUDENT_NAMES, USER_HAS_BATCHES
from bff_mock_server import MockApp
from bff_mock_server.responses.reply import Head, Reply
from bff_mock_server.world.world import World
from tests.mock_server.building import (
    A_CLASS,
    HEADERS,
    PAGE,
    USER,
    batch,
    batch_id,
    call,
    cms_app,
    essay,
    ras_app,
    request,
    used,
    user_has,
)

SPELLCHECK, ASSESSMENT = essay("pending", None, "a"), essay("completed", "processing", "b")
DONE, FAILED, ALSO_FAILED = (
    essay("completed", "completed"),
    essay("completed", "failed", "f"),
    essay("failed", None, "g"),
)


def names_of(app: MockApp) -> set[str]:
    """The used interactions, without the name of the endpoint."""
    return {name.partition(": ")[2] for name in used(app)}


@pytest.mark.parametrize(
    ("target", "cases", "others"),
    [
        pytest.param(
            "limit=20&offset=0", {"a page"}, {"a full page", "in spellcheck", "the longest page", "none"}, id="first"
        ),
        pytest.param("limit=1&offset=1", {"the last page"}, {"a later page", "past the end", "a full page"}, id="last"),
        pytest.param("limit=20&offset=2", {"past the end"}, {"a later page", "none"}, id="past-the-end"),
    ],
)
async def test_a_page_counts_for_its_cases_and_not_for_others(target: str, cases: set[str], others: set[str]) -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1), batch(2)))
    app = ras_app(world)

    await call(app, f"/internal/v1/batches/user/{USER}?{target}")

    (found,) = app.mock.journal.exchanges()
    names = {name.removeprefix("batches of a user: ") for name in used(app)}
    assert cases <= names
    assert others.isdisjoint(names)
    assert found.interaction in used(app)


async def test_a_page_of_one_row_is_a_page_and_no_more() -> None:
    """Not "the longest page", not "in spellcheck", not "users with similar ids"."""
    app = ras_app(World())
    await call(app, PAGE)
    app.mock.journal.clear()
    app.mock.sessions.default.apply(USER_HAS_BATCHES, user_has(batch(1)))
    await call(app, PAGE)

    assert used(app) == {"batches of a user: a page": 1}


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        pytest.param({"X-Service-ID": "other"}, "with a service id that is not allowed", id="service"),
        pytest.param({"X-Service-ID": "BFF-TEACHER-SERVICE"}, "with a service id in another case", id="case"),
        pytest.param({"X-Service-ID": "bff-"}, "with the beginning of a service id", id="beginning"),
        pytest.param({"X-Service-ID": ""}, "without a service id", id="no-service"),
        pytest.param({"X-Internal-API-Key": ""}, "without a key", id="no-key"),
        pytest.param({"X-Internal-API-Key": "x"}, "with a wrong key", id="wrong-key"),
    ],
)
def test_one_refusal_is_used_for_what_was_wrong(headers: dict[str, str], refusal: str) -> None:
    app = ras_app(World())

    app.reply(request(PAGE, headers={**HEADERS, **headers}))

    assert used(app) == {f"refused: batches of a user {refusal}": 1}


@pytest.mark.parametrize(
    ("classes", "used_"),
    [
        pytest.param([A_CLASS, A_CLASS], {"all have one"}, id="all"),
        pytest.param([None, None], {"none has one"}, id="none"),
        pytest.param([A_CLASS, None], {"some have one"}, id="some"),
    ],
)
async def test_classes_are_of_the_case_that_they_show(classes: list[Any], used_: set[str]) -> None:
    world = World()
    world.apply(BATCHES_HAVE_CLASSES, {"classes": {batch_id(at): found for at, found in enumerate(classes)}})
    app = cms_app(world)

    await call(app, f"/internal/v1/batches/class-info?batch_ids={','.join(batch_id(at) for at in range(2))}")

    assert {name.removeprefix("classes of batches: ") for name in used(app)} >= used_
    others = {"all have one", "none has one", "some have one"} - used_
    assert others.isdisjoint(name.removeprefix("classes of batches: ") for name in used(app))


@pytest.mark.parametrize(
    ("fault", "interaction", "is_used"),
    [
        pytest.param("latency=0ms", "batch status: no such batch", True, id="late"),
        pytest.param("status=503", None, False, id="another-status"),
        pytest.param("malformed", "batch status: no such batch", False, id="broken"),
        pytest.param("reset", "batch status: no such batch", False, id="lost"),
    ],
)
async def test_a_spoilt_answer_uses_nothing(fault: str, interaction: str | None, *, is_used: bool) -> None:
    """What answers with the status of a fault has the name of no interaction."""
    app = ras_app(World())
    app.mock.arm("*", fault)

    app.reply(request(f"/internal/v1/batches/{batch_id(1)}/status"))

    (found,) = app.mock.journal.exchanges()
    assert (found.interaction, found.is_refused) == (interaction, False)
    assert used(app) == ({interaction: 1} if is_used else {})


async def test_a_status_that_the_contract_has_uses_its_interaction() -> None:
    app = ras_app(World())

    await call(app, PAGE, headers={**HEADERS, "X-Mock-Fault": "status=401"})

    (found,) = app.mock.journal.exchanges()
    assert found.interaction is not None
    assert found.interaction.startswith("refused: batches of a user")
    assert used(app)[found.interaction] == 1


async def test_another_status_uses_another_interaction() -> None:
    app = ras_app(World())

    await call(app, f"/internal/v1/batches/{batch_id(1)}/status")

    assert used(app) == {"batch status: no such batch": 1}


@pytest.mark.parametrize(
    ("batches", "limit", "cases"),
    [
        pytest.param(
            [batch(1, internal_status="processing_pipelines", essays=[each]) for each in (SPELLCHECK, ASSESSMENT)],
            20,
            {"in spellcheck", "in CJ assessment"},
            id="both-phases",
        ),
        pytest.param(
            [batch(internal_status="processing_pipelines", essays=[SPELLCHECK]), batch()],
            2,
            {"in spellcheck", "a full page", "the first page, newest first"},
            id="full-and-mixed",
        ),
        pytest.param([batch(), batch()], 20, set[str](), id="nothing-but-rows"),
    ],
)
async def test_a_page_counts_for_each_case_that_it_shows(batches: list[Any], limit: int, cases: set[str]) -> None:
    """A part of its features is not a separate case: "moments that are easily mistaken" shows two rows too."""
    world = World()
    numbered = [{**one, "batch_id": batch_id(at)} for at, one in enumerate(batches)]
    world.apply(USER_HAS_BATCHES, user_has(*numbered))
    app = ras_app(world)

    await call(app, f"/internal/v1/batches/user/{USER}?limit={limit}&offset=0")

    (found,) = app.mock.journal.exchanges()
    assert names_of(app) == {*cases, "a page"}
    assert set(found.interactions) == set(used(app))
    assert found.interaction == found.interactions[0]


@pytest.mark.parametrize(
    ("stored", "case"),
    [
        pytest.param({"internal_status": status}, f"in the internal status {status}", id=status)
        for status in ("awaiting_student_validation", "student_validation_completed", "failed_critically", "cancelled")
    ]
    + [
        pytest.param({"essays": [DONE]}, "completed successfully", id="completed"),
        pytest.param({"internal_status": "awaiting_content_validation"}, "no content yet", id="no-content"),
        pytest.param({"internal_status": "awaiting_content_validation", "essays": [SPELLCHECK]}, None, id="content"),
        pytest.param(
            {"internal_status": "processing_pipelines", "essays": [ASSESSMENT]}, "in CJ assessment", id="phase"
        ),
        *(
            pytest.param({"internal_status": "completed_with_failures", "essays": essays}, case, id=case)
            for essays, case in [
                ([DONE, FAILED], "completed with a failed essay"),
                ([FAILED, ALSO_FAILED], "every essay failed"),
                ([DONE], None),
            ]
        ),
    ],
)
async def test_a_batch_counts_for_its_stored_status(stored: dict[str, Any], case: str | None) -> None:
    """Several internal statuses look the same in the answer; the mock knows which one it is."""
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1, **stored)))
    app = ras_app(world)

    await call(app, f"/internal/v1/batches/{batch_id(1)}/status")

    assert names_of(app) == {"a batch", case} - {None}


async def test_rows_in_a_status_are_of_the_filters_case_however_many() -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(batch(1, internal_status="cancelled"), batch(2)))
    app = ras_app(world)

    await call(app, f"{PAGE}&status=cancelled")

    assert names_of(app) == {"in the internal status cancelled", "a page"}


async def test_a_list_counts_for_each_case_that_it_shows() -> None:
    person = {"first_name": "Ada", "last_name": "Ek", "legal_full_name": None}
    row = {"student_id": batch_id(7), "student_person_name": person}
    rows = [{**row, "essay_id": batch_id(at)} for at in range(2)]
    world = World()
    world.apply(BATCHES_HAVE_STUDENT_NAMES, {"student_names": {batch_id(1): rows}})
    app = cms_app(world)

    await call(app, f"/internal/v1/batches/{batch_id(1)}/student-names")

    assert names_of(app) == {
        "a batch",
        "a student with two essays, and another of the same name",
        "no full name is stored",
    }


async def test_the_journal_names_what_coverage_counts() -> None:
    world = World()
    world.apply(USER_HAS_BATCHES, user_has(*(batch(at, internal_status="processing_pipelines") for at in range(3))))
    app = ras_app(world)
    for target in (PAGE, f"{PAGE}&status=cancelled", f"/internal/v1/batches/{batch_id(1)}/status", "/healthz", PAGE):
        await call(app, target)
    await call(app, PAGE, headers={**HEADERS, "X-Internal-API-Key": "wrong"})

    named = Counter(name for found in app.mock.journal.exchanges() for name in found.interactions)

    assert named == used(app)


async def test_a_request_that_the_contract_does_not_allow_uses_nothing() -> None:
    """A lenient mock answers it; the journal names what the answer was, and not the interaction closest to it."""
    app = ras_app(World(), lenient=True)

    await call(app, f"/internal/v1/batches/{batch_id(1)}/status?x=1")

    (found,) = app.mock.journal.exchanges()
    assert (found.status, found.interaction) == (404, "batch status: no such batch")
    assert used(app) == {}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"overall_status": ["x"], "current_phase": {}, "essays": 3}, id="no-texts"),
        pytest.param({"essays": [3, {"spellcheck_status": 3}]}, id="no-essays"),
        pytest.param([], id="no-batch"),
    ],
)
def test_an_answer_of_a_real_service_may_be_anything(body: Any) -> None:
    backend = ras_app(World()).backends[0]
    asked = request(f"/internal/v1/batches/{batch_id(1)}/status")

    answer = backend.attribute(backend.find(asked), asked, Reply(Head(200), b""), json.dumps(body).encode())

    assert answer.entry is not None
    assert answer.entry.interaction.description == "batch status: a batch"


def test_an_answer_of_a_real_service_is_of_the_case_that_it_shows() -> None:
    """Its internal status is not in it, so what differs in nothing else counts for none."""
    backend = ras_app(World()).backends[0]
    asked = request(f"/internal/v1/batches/{batch_id(1)}/status")

    def interaction_of(status: str, phase: str | None) -> str:
        body: Any = {"overall_status": status, "current_phase": phase, "essays": []}
        answer = backend.attribute(backend.find(asked), asked, Reply(Head(200), b""), json.dumps(body).encode())
        assert answer.entry is not None
        return answer.entry.interaction.description

    assert backend.provider == RAS
    assert interaction_of("processing", "spellcheck") == "batch status: in spellcheck"
    assert interaction_of("cancelled", None) == "batch status: in the internal status cancelled"
    assert interaction_of("failed", None) == "batch status: a batch"
