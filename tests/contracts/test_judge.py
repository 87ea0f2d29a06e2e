"""What the contract allows, and what it refuses, as the official engine sees it."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.exchanges import Exchange, all_recorded, recorded, violations
from tests.support.golden import Golden

OUTSIDE = {"cms_class_info_malformed_id", "ras_internal_error"}
"""What the BFF never asks for: a malformed id, and a page before the first."""

LIST = "ras_user_batches_all_statuses"
STATUS = "ras_batch_status_completed_with_failures"
CLASSES = "cms_class_info_mixed"
ID, NO_CLASS_ID = "26b9045a-e947-5833-ab3e-161507389763", "4131225d-4ed8-56da-be2a-ddb41998925a"
OTHER_ID = "00000000-0000-4000-8000-000000000000"

Change = Callable[[Any], object]


@pytest.mark.parametrize("exchange", all_recorded(), ids=lambda exchange: exchange.name)
def test_recorded(exchange: Exchange) -> None:
    """The responses of the running services are allowed, except for two requests that the BFF never sends."""
    found = violations(exchange)

    assert bool(found) == (exchange.name in OUTSIDE), found


def test_recorded_are_all_there() -> None:
    """Thirteen of fifteen exchanges are inside the contract."""
    names = {exchange.name for exchange in all_recorded()}

    assert (len(names), len(names - OUTSIDE)) == (15, 13)


def _first(body: Any) -> Any:
    return body["batches"][0]


def _put(name: str, value: Any) -> Change:
    return lambda item: item.__setitem__(name, value)


def _drop(name: str) -> Change:
    return lambda item: item.__delitem__(name)


def _body(change: Change) -> Change:
    """The change itself, typed."""
    return change


def _row(change: Change) -> Change:
    return lambda body: change(body["batches"][0])


def _page(change: Change) -> Change:
    return lambda body: change(body["pagination"])


def _essay(change: Change) -> Change:
    return lambda body: change(body["essays"][1])


def _class(change: Change) -> Change:
    return lambda body: change(body[ID])


def _rename(old: str, new: str) -> Change:
    return lambda body: body.__setitem__(new, body.pop(old))


REFUSED = [
    pytest.param(LIST, _drop("batches"), id="list-without-batches"),
    pytest.param(LIST, _put("batches", None), id="list-of-null"),
    pytest.param(LIST, _put("batches", {}), id="list-as-object"),
    pytest.param(LIST, _drop("pagination"), id="no-pagination"),
    pytest.param(LIST, _page(_drop("total")), id="no-total"),
    pytest.param(LIST, _page(_put("total", "12")), id="total-as-text"),
    pytest.param(LIST, _page(_put("limit", 20.0)), id="limit-as-decimal"),
    pytest.param(LIST, _page(_put("offset", None)), id="null-offset"),
    pytest.param(LIST, _body(lambda body: body["batches"].append(None)), id="null-row"),
    pytest.param(LIST, _row(_drop("batch_id")), id="row-without-id"),
    pytest.param(LIST, _row(_put("batch_id", ID.upper())), id="row-id-upper-case"),
    pytest.param(LIST, _row(_put("batch_id", ID.replace("-", ""))), id="row-id-without-dashes"),
    pytest.param(LIST, _row(_put("batch_id", None)), id="row-id-null"),
    pytest.param(LIST, _row(_put("user_id", OTHER_ID)), id="row-of-another-user"),
    pytest.param(LIST, _body(lambda body: body["batches"][-1].update(user_id=OTHER_ID)), id="last-row-of-another-user"),
    pytest.param(LIST, _row(_put("overall_status", "processing_pipelines")), id="internal-status"),
    pytest.param(LIST, _row(_put("overall_status", "PROCESSING")), id="status-upper-case"),
    pytest.param(LIST, _row(_put("overall_status", None)), id="status-null"),
    pytest.param(LIST, _row(_put("current_phase", 5)), id="phase-as-number"),
    pytest.param(LIST, _row(_drop("current_phase")), id="no-phase"),
    pytest.param(LIST, _row(_drop("assignment_id")), id="no-assignment"),
    pytest.param(LIST, _row(_put("assignment_id", 5)), id="assignment-as-number"),
    pytest.param(LIST, _row(_put("requested_pipeline", ["spellcheck"])), id="pipeline-as-list"),
    pytest.param(LIST, _row(_put("essay_count", "3")), id="count-as-text"),
    pytest.param(LIST, _row(_put("essay_count", 3.5)), id="count-as-decimal"),
    pytest.param(LIST, _row(_put("failed_essay_count", None)), id="count-null"),
    pytest.param(LIST, _row(_put("completed_essay_count", value=True)), id="count-as-boolean"),
    pytest.param(LIST, _row(_put("created_at", None)), id="created-null"),
    pytest.param(LIST, _row(_put("created_at", "2026-02-29T08:15:30")), id="impossible-date"),
    pytest.param(LIST, _row(_put("created_at", "2026-01-31")), id="date-only"),
    pytest.param(LIST, _row(_put("created_at", "2026-01-31 08:15:30")), id="blank-for-t"),
    pytest.param(LIST, _row(_put("created_at", 1769847330)), id="unix-time"),
    pytest.param(LIST, _row(_put("last_updated", "2026-01-31T08:15:60")), id="second-60"),
    pytest.param(LIST, _row(_put("processing_started_at", "2026-01-31T08:15")), id="no-seconds"),
    pytest.param(LIST, _row(_put("processing_completed_at", "")), id="empty-date-time"),
    pytest.param(STATUS, _put("batch_id", OTHER_ID), id="another-batch"),
    pytest.param(STATUS, _put("batch_id", STATUS), id="id-not-a-uuid"),
    pytest.param(STATUS, _put("user_id", None), id="user-null"),
    pytest.param(STATUS, _drop("user_id"), id="no-user"),
    pytest.param(STATUS, _drop("essays"), id="no-essays"),
    pytest.param(STATUS, _put("essays", None), id="essays-null"),
    pytest.param(STATUS, _essay(_drop("filename")), id="essay-without-filename"),
    pytest.param(STATUS, _essay(_put("essay_id", None)), id="essay-id-null"),
    pytest.param(STATUS, _essay(_put("spellcheck_status", "done")), id="unknown-essay-status"),
    pytest.param(STATUS, _essay(_put("cj_rank", "1")), id="rank-as-text"),
    pytest.param(STATUS, _essay(_put("cj_score", "0.68")), id="score-as-text"),
    pytest.param(STATUS, _essay(_put("last_updated", "2026-13-01T00:00:00")), id="month-13"),
    pytest.param(CLASSES, _drop(NO_CLASS_ID), id="missing-id"),
    pytest.param(CLASSES, _drop(ID), id="missing-id-with-class"),
    pytest.param(CLASSES, _put(OTHER_ID, None), id="id-too-many"),
    pytest.param(CLASSES, _rename(ID, ID.upper()), id="upper-case-key"),
    pytest.param(CLASSES, _body(lambda body: body.update({ID.upper(): body[ID]})), id="upper-case-key-beside"),
    pytest.param(CLASSES, _put(ID, {}), id="empty-class"),
    pytest.param(CLASSES, _put(ID, "Svenska 1"), id="class-as-text"),
    pytest.param(CLASSES, _put(ID, []), id="class-as-list"),
    pytest.param(CLASSES, _class(_drop("class_name")), id="class-without-name"),
    pytest.param(CLASSES, _class(_put("class_name", None)), id="class-name-null"),
    pytest.param(CLASSES, _class(_put("class_id", "SA24B")), id="class-id-not-a-uuid"),
    pytest.param(CLASSES, _body(lambda body: body.clear()), id="empty-response"),
    pytest.param("ras_batch_status_unknown", _put("error", "Not found"), id="other-404"),
    pytest.param("cms_invalid_credentials", _put("error", "Forbidden"), id="other-401"),
]


@pytest.mark.parametrize(("name", "change"), REFUSED)
def test_refused_body(name: str, change: Change) -> None:
    """One change for the worse in a recorded body, and the contract refuses it."""
    exchange = recorded(name)
    body = exchange.json()
    change(body)

    assert violations(exchange, body=json.dumps(body).encode()) != []


ALLOWED = [
    pytest.param(LIST, _row(_put("created_at", "2026-01-31T08:15:30Z")), id="utc"),
    pytest.param(LIST, _row(_put("created_at", "2024-02-29T08:15:30.120+01:00")), id="leap-day-with-offset"),
    pytest.param(LIST, _row(_put("new_field", {"a": 1})), id="new-field"),
    pytest.param(LIST, _row(_put("essays", None)), id="essays-in-a-list-are-not-read"),
    pytest.param(LIST, _row(_put("student_prompt_ref", 5)), id="prompt-is-not-read"),
    pytest.param(LIST, _put("batches", []), id="no-rows"),
    pytest.param(STATUS, _put("user_id", OTHER_ID), id="status-of-another-user"),
    pytest.param(STATUS, _put("essays", []), id="no-essays"),
    pytest.param(STATUS, _essay(_put("cj_score", 1)), id="whole-score"),
    pytest.param(CLASSES, _put(ID, None), id="class-gone"),
    pytest.param(CLASSES, _body(lambda body: body.update({NO_CLASS_ID: body[ID]})), id="class-come"),
]


@pytest.mark.parametrize(("name", "change"), ALLOWED)
def test_allowed_body(name: str, change: Change) -> None:
    """A body that differs where the BFF does not mind is allowed."""
    exchange = recorded(name)
    body = exchange.json()
    change(body)

    assert violations(exchange, body=json.dumps(body).encode()) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param(LIST, {"status": 204}, id="unknown-status"),
        pytest.param(LIST, {"status": 403}, id="no-403"),
        pytest.param(LIST, {"content_type": "text/html"}, id="html"),
        pytest.param(LIST, {"content_type": None}, id="no-content-type"),
        pytest.param(LIST, {"body": b""}, id="empty-body"),
        pytest.param(LIST, {"body": b"<html>"}, id="not-json"),
        pytest.param(LIST, {"body": b"\xff"}, id="not-utf-8"),
        pytest.param(LIST, {"method": "POST", "target": "/healthz?a=b"}, id="wrong-method"),
        pytest.param(LIST, {"target": "/internal/v2/batches"}, id="unknown-path"),
        pytest.param(CLASSES, {"target": "/internal/v1/batches/class-info"}, id="no-ids"),
        pytest.param(CLASSES, {"target": "/internal/v1/batches/class-info?batch_ids="}, id="empty-ids"),
        pytest.param(CLASSES, {"target": "/internal/v1/batches/class-info?batch_ids=x"}, id="id-of-another-form"),
        pytest.param(LIST, {"target": "/internal/v1/batches/user/x?limit=0"}, id="limit-0"),
    ],
)
def test_refused_exchange(name: str, changes: dict[str, Any], golden: Golden) -> None:
    """Mismatches outside the body are reported with their place, before those inside."""
    found = violations(recorded(name), **changes)

    assert found[0].path in {"", "$", "batch_ids", "limit"}
    golden.check(str(found[0]))


ODD = [
    pytest.param("", id="none"),
    pytest.param(",,", id="commas"),
    pytest.param("'", id="quote"),
    pytest.param("a'b\"c", id="both-quotes"),
    pytest.param("]", id="bracket"),
    pytest.param("\\", id="backslash"),
    pytest.param("*", id="star"),
    pytest.param("\0", id="nul"),
    pytest.param("a.b", id="dot"),
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_ids_are_judged_like_any_others(odd: str) -> None:
    """Whatever somebody asks for, there is a verdict: not an id, so not allowed."""
    found = violations(recorded(CLASSES), target=f"/internal/v1/batches/class-info?batch_ids={quote(odd)}")

    assert (found[0].where, found[0].path) == ("request", "batch_ids")


def test_the_charset_is_not_compared() -> None:
    """A parameter of the content type does not matter."""
    assert violations(recorded(LIST), content_type="Application/JSON; charset=utf-8") == []


def test_health_has_any_body() -> None:
    """Of `GET /healthz` only the status counts."""
    exchange = recorded(LIST)

    assert violations(exchange, target="/healthz", content_type="text/plain", body=b"ok") == []
    assert violations(exchange, target="/healthz", status=503) != []


def test_mismatches_say_where() -> None:
    """A mismatch names the JSON path and says what was expected."""
    exchange = recorded(LIST)
    body = exchange.json()
    _first(body)["user_id"] = OTHER_ID

    (found,) = violations(exchange, body=json.dumps(body).encode())

    assert str(found).startswith("body $.batches[0].user_id: ")
    assert OTHER_ID in found.message
