"""A lenient mock answers like the real services, as recorded or observed.

Where it does not, EXCEPTIONS says so, and why; an exception that is none any more fails.
"""

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.states import BATCHES_HAVE_CLASSES, BATCHES_HAVE_STUDENT_NAMES, USER_HAS_BATCHES, BatchRow
from bff_mock_server import MockApp
from bff_mock_server.world.rows import CLIENT_STATUS
from bff_mock_server.world.world import World
from tests.mock_server.building import HEADERS, app_of, call
from tests.support.exchanges import Exchange, all_recorded, recorded
from tests.support.platform import TEACHER

USERS: Final = "/internal/v1/batches/user"
PAGE: Final = f"{USERS}/{TEACHER}"
CLASSES: Final = "/internal/v1/batches/class-info"
KNOWN: Final = "26b9045a-e947-5833-ab3e-161507389763"
UNKNOWN: Final = "4131225d-4ed8-56da-be2a-ddb41998925a"
INTERNAL: Final = {"error": "Internal server error"}
MALFORMED: Final = {"error": {"error_code": "VALIDATION_ERROR", "message": "Invalid batch_id format"}}
NAME: Final = {
    "essay_id": UNKNOWN,
    "student_id": UNKNOWN,
    "student_person_name": {"first_name": "Åsa", "last_name": "Öberg", "legal_full_name": None},
}
NOT_FOUND: Final = {"error": "Batch not found"}
NONE: Final = {"limit": 20, "offset": 0, "total": 0}

WRONG_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "missing_authentication": {name: value for name, value in HEADERS.items() if name != "X-Internal-API-Key"},
    "invalid_credentials": {**HEADERS, "X-Internal-API-Key": "wrong"},
}

EXCEPTIONS: Final[Mapping[str, str]] = {
    "unknown-route": "the mock refuses it on its own behalf, to say what is closest; the services answer an HTML page",
    "wrong-method": "the same",
    "slash-in-the-user-id": "the same: to both services it is another route",
}
"""Described exchanges whose status alone is the services': their body is a page that no client reads."""

LEFT_OUT_OF_PAGES: Final = ("essays", "student_prompt_ref")
"""Fields of a page's rows that no contract has, so that the mock has no form for them: the BFF does not read them."""


def stored(row: Mapping[str, Any], at: int) -> dict[str, Any]:
    """A batch as a provider state has it, out of RAS's answer: of several internal statuses the one in turn."""
    fitting = [internal for internal, shown in CLIENT_STATUS.items() if shown == row["overall_status"]]
    # Of what is shown as processing, only what is in the pipelines has a phase.
    internal = "processing_pipelines" if row["current_phase"] else fitting[at % len(fitting)]
    return {**{name: row[name] for name in BatchRow.model_fields if name in row}, "internal_status": internal}


def recorded_rows() -> list[dict[str, Any]]:
    """Every batch that was recorded: as its own answer has it, which shows more than the page."""
    page = recorded("ras_user_batches_all_statuses").json()["batches"]
    return [stored(row, at) for at, row in enumerate(page)]


@pytest.fixture(scope="module")
def app() -> MockApp:
    world = World()
    world.apply(USER_HAS_BATCHES, {"user_id": TEACHER, "batches": recorded_rows()})
    classes: dict[str, Any] = {}
    for name in ("cms_class_info_mixed", "cms_class_info_two_known", "cms_class_info_unknown"):
        classes.update(recorded(name).json())
    world.apply(BATCHES_HAVE_CLASSES, {"classes": classes})
    world.apply(BATCHES_HAVE_STUDENT_NAMES, {"student_names": {KNOWN: [NAME]}})
    return app_of(*shipped_pacts(), world=world, lenient=True)


def comparable(text: str | bytes) -> Any:
    """A body for comparison: essays sorted, and a page's rows with the contract's fields alone."""
    document = json.loads(text)
    for row in document.get("batches", []):
        for name in LEFT_OUT_OF_PAGES:
            row.pop(name, None)
    if "essays" in document:
        document["essays"] = sorted(document["essays"], key=itemgetter("essay_id"))
    return document


@pytest.mark.parametrize("exchange", all_recorded(), ids=lambda exchange: exchange.name)
async def test_a_recorded_exchange_is_answered_as_it_was(app: MockApp, exchange: Exchange) -> None:
    headers = next((sent for name, sent in WRONG_HEADERS.items() if exchange.name.endswith(name)), HEADERS)

    answer = await call(app, exchange.target, method=exchange.method, headers=headers)

    assert (answer.status, answer.headers["content-type"]) == (exchange.status, exchange.content_type)
    assert comparable(answer.body) == comparable(exchange.body)


DESCRIBED = [
    pytest.param(f"{PAGE}?limit=0", 200, {"limit": 0, "offset": 0, "total": 12}, id="limit-of-zero"),
    pytest.param(PAGE, 200, {"limit": 20, "offset": 0, "total": 12}, id="no-query"),
    pytest.param(f"{PAGE}?limit=x&offset=1.5", 200, {"limit": 20, "offset": 0, "total": 12}, id="no-numbers"),
    pytest.param(f"{PAGE}?limit=&offset=", 200, {"limit": 20, "offset": 0, "total": 12}, id="empty-numbers"),
    pytest.param(f"{PAGE}?limit=500", 200, {"limit": 500, "offset": 0, "total": 12}, id="large-limit"),
    pytest.param(f"{PAGE}?offset=99", 200, {"limit": 20, "offset": 99, "total": 12}, id="past-the-end"),
    pytest.param(f"{PAGE}?limit=-1", 500, INTERNAL, id="negative-limit"),
    pytest.param(f"{PAGE}?offset=-1", 500, INTERNAL, id="negative-offset"),
    pytest.param(f"{PAGE}?limit={2**63}", 500, INTERNAL, id="limit-beyond-bigint"),
    pytest.param(f"{PAGE}?offset={2**63}", 500, INTERNAL, id="offset-beyond-bigint"),
    pytest.param(f"{PAGE}?status=", 200, {"limit": 20, "offset": 0, "total": 12}, id="empty-status"),
    pytest.param(f"{PAGE}?status=cancelled", 200, {"limit": 20, "offset": 0, "total": 1}, id="status"),
    pytest.param(f"{PAGE}?status=cancelled&offset=1", 200, {"limit": 20, "offset": 1, "total": 1}, id="filter-first"),
    pytest.param(f"{PAGE}?status=processing", 500, INTERNAL, id="client-status"),
    pytest.param(f"{PAGE}?status=CANCELLED", 500, INTERNAL, id="status-in-capitals"),
    pytest.param(f"{PAGE}?status=cancelled,processing_pipelines", 500, INTERNAL, id="two-statuses"),
    pytest.param(f"{USERS}/%00", 500, INTERNAL, id="nul-in-the-user-id"),
    pytest.param(
        f"/internal/v1/batches/user/{TEACHER.upper()}", 200, {"limit": 20, "offset": 0, "total": 0}, id="case"
    ),
    pytest.param(
        f"/internal/v1/batches/{KNOWN.upper()}/status", 404, {"error": "Batch not found"}, id="batch-in-capitals"
    ),
    pytest.param("/internal/v1/batches/nonsense/status", 404, {"error": "Batch not found"}, id="no-uuid"),
    pytest.param(CLASSES, 200, {}, id="no-ids"),
    pytest.param(f"{CLASSES}?batch_ids=", 200, {}, id="empty-ids"),
    pytest.param(f"{CLASSES}?batch_ids=,,,", 200, {}, id="commas"),
    pytest.param(f"{CLASSES}?batch_ids=%20", 200, {}, id="a-blank"),
    pytest.param(f"{CLASSES}?batch_ids={UNKNOWN},", 200, {UNKNOWN: None}, id="comma-at-the-end"),
    pytest.param(f"{CLASSES}?batch_ids=,{UNKNOWN}", 200, {UNKNOWN: None}, id="comma-at-the-beginning"),
    pytest.param(f"{CLASSES}?batch_ids=%20{UNKNOWN}%20", 200, {UNKNOWN: None}, id="blanks-around"),
    pytest.param(f"{CLASSES}?batch_ids={UNKNOWN}%20,%20{UNKNOWN}", 200, {UNKNOWN: None}, id="twice-with-blanks"),
    pytest.param(f"{CLASSES}?batch_ids={UNKNOWN.upper()}", 200, {UNKNOWN: None}, id="ids-in-capitals"),
    pytest.param(f"{CLASSES}?batch_ids={UNKNOWN.replace('-', '')}", 200, {UNKNOWN: None}, id="ids-without-dashes"),
    pytest.param(f"{CLASSES}?batch_ids={UNKNOWN}&batch_ids={KNOWN}", 200, {UNKNOWN: None}, id="first-parameter-counts"),
    pytest.param(f"/internal/v1/batches/{UNKNOWN}/student-names", 200, [], id="no-names"),
    pytest.param(f"/internal/v1/batches/{KNOWN.upper()}/student-names", 200, [NAME], id="names-of-an-id-in-capitals"),
    pytest.param(f"/internal/v1/batches/{KNOWN.replace('-', '')}/student-names", 200, [NAME], id="without-dashes"),
    pytest.param("/internal/v1/batches/nonsense/student-names", 400, MALFORMED, id="names-of-no-uuid"),
    pytest.param(f"{CLASSES}?batch_ids={UNKNOWN},nonsense", 400, {"error": "Invalid UUID format"}, id="one-malformed"),
]


@pytest.mark.parametrize(("target", "status", "body"), DESCRIBED)
async def test_a_described_request_is_answered_as_the_services_do(
    app: MockApp, target: str, status: int, body: Any
) -> None:
    answer = await call(app, target)

    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    shown = answer.json
    if "pagination" in shown:
        shown = shown["pagination"]
    assert shown == body


async def test_the_fields_that_pages_leave_out_are_those(app: MockApp) -> None:
    served = (await call(app, PAGE)).json["batches"][0]
    known = recorded("ras_user_batches_all_statuses").json()["batches"][0]

    assert sorted(known.keys() - served.keys()) == sorted(LEFT_OUT_OF_PAGES)


async def test_a_health_check_has_a_json_object_and_needs_no_key(app: MockApp) -> None:
    answer = await call(app, "/healthz", headers={})

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert isinstance(answer.json, dict)


@pytest.mark.parametrize(
    ("exception", "method", "target", "status"),
    [
        pytest.param("unknown-route", "GET", "/internal/v1/nowhere", 404, id="unknown-route"),
        pytest.param("wrong-method", "POST", PAGE, 405, id="wrong-method"),
        pytest.param("slash-in-the-user-id", "GET", f"{USERS}/a%2Fb", 404, id="slash-in-the-user-id"),
    ],
)
async def test_an_exception_is_one(app: MockApp, exception: str, method: str, target: str, status: int) -> None:
    answer = await call(app, target, method=method)

    assert exception in EXCEPTIONS
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
