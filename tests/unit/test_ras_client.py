"""What the RAS client sends, and what it makes of each answer."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
import respx

from bff_clients import (
    AuthenticationRejected,
    BackendRejected,
    BackendSettings,
    BackendUnavailable,
    BatchClientStatus,
    BatchStatus,
    ContractViolation,
    ProcessingPhase,
    RASClient,
)
from tests.support.platform import BATCH, KEY, TEACHER, recorded, sent

pytestmark = pytest.mark.anyio
OTHER = "00000000-0000-4000-8000-000000000001"
CORRELATION = "0b5c1b0e-6f0a-4c0e-8c53-5b3f6f6d2b11"


@pytest.fixture
async def ras(settings: BackendSettings) -> AsyncIterator[RASClient]:
    async with httpx.AsyncClient(base_url="http://elsewhere.test", cookies={"a": "b"}) as http:
        yield RASClient(http, settings)


@pytest.fixture
def router() -> Any:
    with respx.mock(base_url="http://ras.test") as mock:
        yield mock


def page(*rows: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    counted = len(rows) if total is None else total
    return {"batches": list(rows), "pagination": {"limit": 20, "offset": 0, "total": counted}}


def row(**changes: Any) -> dict[str, Any]:
    listed = json.loads(recorded("ras_user_batches_all_statuses").body)["batches"][8]
    return {**listed, **changes}


def details(**changes: Any) -> dict[str, Any]:
    return {**json.loads(recorded("ras_batch_status_completed_with_failures").body), "batch_id": BATCH, **changes}


async def test_every_request_carries_key_service_id_and_correlation_id(
    ras: RASClient, router: respx.MockRouter
) -> None:
    route = router.get(path__startswith="/").respond(json=page())
    await ras.get_batches_for_user(TEACHER, correlation_id=CORRELATION)
    await ras.get_batches_for_user(TEACHER)
    first, second = (request.headers for request in sent(route))

    assert [(name.decode(), value.decode()) for name, value in first.raw if name != b"Host"] == [
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("X-Internal-API-Key", KEY.get_secret_value()),
        ("X-Service-ID", "bff-teacher-service"),
        ("X-Correlation-ID", CORRELATION),
    ]
    assert UUID(second["X-Correlation-ID"]).version == 4


async def test_the_answer_to_a_request_for_json_may_be_labelled_in_any_case(
    ras: RASClient, router: respx.MockRouter
) -> None:
    router.get(path__startswith="/").respond(json=page(), headers={"Content-Type": "Application/JSON ; a=b"})

    assert list(await ras.get_batches_for_user(TEACHER)) == []


async def test_a_malformed_correlation_id_is_refused_before_any_request(ras: RASClient) -> None:
    with pytest.raises(ValueError, match="correlation_id must be a UUID"):
        await ras.get_batches_for_user(TEACHER, correlation_id="a\r\nX-Evil: 1")


@pytest.mark.parametrize(
    ("user_id", "segment"),
    [
        pytest.param(TEACHER, TEACHER, id="uuid"),
        pytest.param("a?b#c", "a%3Fb%23c", id="query-and-fragment"),
        pytest.param("a%2Fb", "a%252Fb", id="percent"),
        pytest.param("...", "...", id="three-dots"),
        pytest.param("åsa ö", "%C3%A5sa%20%C3%B6", id="swedish"),
    ],
)
async def test_a_user_id_is_one_path_segment(
    ras: RASClient, router: respx.MockRouter, user_id: str, segment: str
) -> None:
    route = router.get(path__startswith="/").respond(json=page())
    await ras.get_batches_for_user(user_id, limit=5, offset=10, status="cancelled")

    expected = f"/internal/v1/batches/user/{segment}?limit=5&offset=10&status=cancelled"
    assert sent(route)[-1].url.raw_path == expected.encode()


@pytest.mark.parametrize("user_id", ["", ".", "..", "a/b", "/", "a\nb", "a\x00", "\x7f", "\x85", "\ud800"])
async def test_a_user_id_that_is_no_segment_is_refused_before_any_request(ras: RASClient, user_id: str) -> None:
    with pytest.raises(ValueError, match="user_id must not"):
        await ras.get_batches_for_user(user_id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"limit": 0}, "limit must be 1 to 100", id="no-rows"),
        pytest.param({"limit": 101}, "limit must be 1 to 100", id="too-many-rows"),
        pytest.param({"offset": -1}, "offset must be 0 or more", id="negative-offset"),
        pytest.param({"offset": 10**18}, "offset must be 0 or more", id="offset-that-no-contract-allows"),
    ],
)
async def test_a_page_outside_bounds_is_refused_before_any_request(
    ras: RASClient, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await ras.get_batches_for_user(TEACHER, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(("limit", "offset"), [(1, 0), (100, 1), (20, 10**18 - 1)])
async def test_the_bounds_of_a_page_may_be_asked_for(
    ras: RASClient, router: respx.MockRouter, limit: int, offset: int
) -> None:
    route = router.get(path__startswith="/").respond(json=page())
    await ras.get_batches_for_user(TEACHER, limit=limit, offset=offset)

    assert sent(route)[-1].url.query == f"limit={limit}&offset={offset}".encode()


@pytest.mark.parametrize(
    "status",
    ["processing", "PROCESSING_PIPELINES", "a,b", "", BatchClientStatus.PROCESSING, BatchClientStatus.CANCELLED],
)
async def test_a_status_of_the_other_vocabulary_is_refused_with_the_right_one(ras: RASClient, status: str) -> None:
    with pytest.raises(ValueError, match=r"internal status \(BatchStatus\), got .*; one of: (?:[a-z_]+, ){11}[a-z_]+$"):
        await ras.get_batches_for_user(TEACHER, status=status)


@pytest.mark.parametrize("status", list(BatchStatus))
async def test_each_internal_status_filters(ras: RASClient, router: respx.MockRouter, status: BatchStatus) -> None:
    route = router.get(path__startswith="/").respond(json=page())
    await ras.get_batches_for_user(TEACHER, status=status)
    await ras.get_batches_for_user(TEACHER, status=str(status.value))

    assert [request.url.params["status"] for request in sent(route)] == [status.value] * 2


async def test_the_recorded_page_reads_as_batches(ras: RASClient, router: respx.MockRouter) -> None:
    answer = recorded("ras_user_batches_all_statuses")
    router.get(path__startswith="/").respond(200, content=answer.body, content_type=answer.content_type)
    batches = await ras.get_batches_for_user(TEACHER)

    assert (len(batches), batches.pagination.total) == (12, 12)
    assert {batch.overall_status for batch in batches} == set(BatchClientStatus)
    assert batches[4].current_phase is ProcessingPhase.SPELLCHECK
    assert batches[0].created_at == datetime(2026, 1, 31, 8, 15, 30, 120000, tzinfo=UTC)
    assert [batch.batch_id for batch in batches[:2]] == [batches[0].batch_id, batches[1].batch_id]
    assert list(reversed(batches))[-1] == batches[0]


async def test_the_recorded_unknown_user_has_an_empty_page(ras: RASClient, router: respx.MockRouter) -> None:
    answer = recorded("ras_user_batches_unknown_user")
    router.get(path__startswith="/").respond(200, content=answer.body, content_type=answer.content_type)
    batches = await ras.get_batches_for_user(OTHER)

    assert list(batches) == []


@pytest.mark.parametrize(
    ("name", "essays"),
    [
        pytest.param("ras_batch_status_awaiting_content", 0, id="no-content"),
        pytest.param("ras_batch_status_processing", 3, id="processing"),
        pytest.param("ras_batch_status_completed_with_failures", 3, id="with-failures"),
    ],
)
async def test_a_recorded_status_reads_as_batch_with_essays(
    ras: RASClient, router: respx.MockRouter, name: str, essays: int
) -> None:
    answer = recorded(name)
    batch_id = answer.target.split("/")[-2]
    router.get(path__startswith="/").respond(200, content=answer.body, content_type=answer.content_type)
    batch = await ras.get_batch_status(batch_id.upper().replace("-", ""))

    assert batch is not None
    assert (batch.batch_id, len(batch.essays)) == (batch_id, essays)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        pytest.param("ras_missing_authentication", AuthenticationRejected, id="missing-key"),
        pytest.param("ras_invalid_credentials", AuthenticationRejected, id="wrong-key"),
        pytest.param("ras_internal_error", BackendUnavailable, id="internal-error"),
    ],
)
async def test_a_recorded_refusal_is_its_error(
    ras: RASClient, router: respx.MockRouter, name: str, error: type[Exception]
) -> None:
    answer = recorded(name)
    router.get(path__startswith="/").respond(answer.status, content=answer.body, content_type=answer.content_type)

    with pytest.raises(error):
        await ras.get_batches_for_user(TEACHER)


async def test_only_the_contracts_own_404_means_no_such_batch(ras: RASClient, router: respx.MockRouter) -> None:
    answer = recorded("ras_batch_status_unknown")
    route = router.get(path__startswith="/").respond(404, content=answer.body, content_type=answer.content_type)
    assert await ras.get_batch_status(BATCH) is None

    route.respond(404, html="<h1>Not Found</h1>")
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)
    route.respond(404, json={"error": "no such route"})
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)
    route.respond(404, json={"error": "Batch not found"}, content_type="text/html")
    with pytest.raises(BackendRejected):
        await ras.get_batch_status(BATCH)


@pytest.mark.parametrize(
    "batch_id", ["", "nope", BATCH[:-1], BATCH.replace("2", "\uff12"), f"0x{BATCH[2:]}", "{" + BATCH]
)
async def test_a_malformed_batch_id_is_refused_before_any_request(ras: RASClient, batch_id: str) -> None:
    with pytest.raises(ValueError, match="batch_id must be a UUID"):
        await ras.get_batch_status(batch_id)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"user_id": OTHER}, id="another-users-row"),
        pytest.param({"essay_count": "3"}, id="count-as-text"),
        pytest.param({"essay_count": 3.0}, id="count-as-float"),
        pytest.param({"essay_count": True}, id="count-as-bool"),
        pytest.param({"essay_count": 10**30}, id="count-beyond-64-bits"),
        pytest.param({"batch_id": BATCH.upper()}, id="upper-case-id"),
        pytest.param({"batch_id": "batch-1"}, id="id-that-is-no-uuid"),
        pytest.param({"overall_status": "processing_pipelines"}, id="internal-status"),
        pytest.param({"overall_status": None}, id="null-status"),
        pytest.param({"current_phase": "grading"}, id="unknown-phase"),
        pytest.param({"created_at": "2026-02-30T08:15:30"}, id="impossible-date"),
        pytest.param({"created_at": "2026-01-31"}, id="date-alone"),
        pytest.param({"created_at": "2026-01-31 08:15:30"}, id="blank-for-T"),
        pytest.param({"created_at": "1700000000"}, id="unix-time-as-text"),
        pytest.param({"created_at": 1700000000}, id="unix-time"),
        pytest.param({"created_at": "2026-01-31T08:15:30\n"}, id="line-end"),
        pytest.param({"created_at": None}, id="null-date"),
        pytest.param({"assignment_id": 5}, id="assignment-as-number"),
    ],
)
async def test_a_row_outside_the_contract_is_a_violation(
    ras: RASClient, router: respx.MockRouter, changes: dict[str, Any]
) -> None:
    router.get(path__startswith="/").respond(json=page(row(**changes)))

    with pytest.raises(ContractViolation):
        await ras.get_batches_for_user(TEACHER)


async def test_a_row_of_another_user_is_said_to_be_one(ras: RASClient, router: respx.MockRouter) -> None:
    router.get(path__startswith="/").respond(json=page(row(), row(user_id=OTHER)))
    with pytest.raises(ContractViolation) as caught:
        await ras.get_batches_for_user(TEACHER)

    assert (caught.value.detail, caught.value.status_code) == ("a row of another user", 200)


async def test_what_is_quoted_of_an_argument_is_cut_off(ras: RASClient) -> None:
    with pytest.raises(ValueError, match="UUID") as batch:
        await ras.get_batch_status("x" * 81)
    with pytest.raises(ValueError, match="control") as user:
        await ras.get_batches_for_user("\0" * 81)

    assert str(batch.value) == f"batch_id must be a UUID, got {'x' * 80!r}"
    with pytest.raises(ValueError, match="slash") as path:
        await ras.get_batches_for_user("/" * 81)
    assert str(user.value) == (f"user_id must not hold control characters or lone surrogates, got {chr(0) * 80!r}")
    assert str(path.value) == f"user_id must not be empty, '.' or '..', or hold a slash, got {'/' * 80!r}"


@pytest.mark.parametrize(
    "field", sorted(set(json.loads(recorded("ras_batch_status_processing").body)) - {"student_prompt_ref"})
)
async def test_a_missing_field_is_a_violation_that_names_it(
    ras: RASClient, router: respx.MockRouter, field: str
) -> None:
    router.get(path__startswith="/").respond(json={k: v for k, v in details().items() if k != field})

    with pytest.raises(ContractViolation, match=field):
        await ras.get_batch_status(BATCH)


async def test_another_batch_than_asked_for_is_a_violation(ras: RASClient, router: respx.MockRouter) -> None:
    router.get(path__startswith="/").respond(json=details(batch_id=OTHER))
    with pytest.raises(ContractViolation) as caught:
        await ras.get_batch_status(BATCH)

    assert (caught.value.detail, caught.value.status_code, caught.value.operation) == (
        *("another batch than the one asked for", 200, "get_batch_status"),
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param("[]", "body: model_type", id="no-object"),
        pytest.param("{", "body: json_invalid", id="no-json"),
        pytest.param("{}", "batches: missing; pagination: missing", id="two-fields"),
        pytest.param(
            '{"batches": [], "pagination": {}}',
            "pagination.limit: missing; pagination.offset: missing; pagination.total: missing",
            id="as-many-as-are-shown",
        ),
        pytest.param(
            '{"batches": 5, "pagination": {}}',
            "batches: tuple_type; pagination.limit: missing; pagination.offset: missing; and 1 more",
            id="one-more-than-is-shown",
        ),
    ],
)
async def test_a_violation_says_where_and_how_for_the_first_three(
    ras: RASClient, router: respx.MockRouter, body: str, detail: str
) -> None:
    router.get(path__startswith="/").respond(content=body.encode(), content_type="application/json")
    with pytest.raises(ContractViolation) as caught:
        await ras.get_batches_for_user(TEACHER)

    assert caught.value.detail == f"body outside the contract: {detail}"
    assert (caught.value.status_code, caught.value.service) == (200, "result-aggregator-service")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-01-31T08:15:30", datetime(2026, 1, 31, 8, 15, 30, tzinfo=UTC), id="naive"),
        pytest.param("2026-01-31T08:15:30.120Z", datetime(2026, 1, 31, 8, 15, 30, 120000, tzinfo=UTC), id="zulu"),
        pytest.param("2026-01-31T08:15:30+02:00", datetime(2026, 1, 31, 6, 15, 30, tzinfo=UTC), id="offset"),
    ],
)
async def test_date_times_are_aware_and_utc(
    ras: RASClient, router: respx.MockRouter, text: str, moment: datetime
) -> None:
    router.get(path__startswith="/").respond(json=page(row(created_at=text)))
    (batch,) = await ras.get_batches_for_user(TEACHER)

    assert batch.created_at == moment
    assert batch.created_at.tzinfo is UTC


async def test_a_moment_that_has_no_utc_stays_as_written(ras: RASClient, router: respx.MockRouter) -> None:
    router.get(path__startswith="/").respond(json=page(row(created_at="9999-12-31T23:30:00-01:00")))
    (batch,) = await ras.get_batches_for_user(TEACHER)

    assert batch.created_at.utcoffset() is not None


def numbered(start: int, stop: int) -> list[dict[str, Any]]:
    return [row(batch_id=f"00000000-0000-4000-8000-{number:012d}") for number in range(start, stop)]


async def test_iterating_gives_each_batch_once_also_when_rows_arrive_between_pages(
    ras: RASClient, router: respx.MockRouter
) -> None:
    route = router.get(path__startswith="/")
    route.side_effect = [
        httpx.Response(200, json=page(*numbered(0, 2), total=4)),
        httpx.Response(200, json=page(*numbered(1, 3), total=5)),  # one arrived on top: row 1 comes again
        httpx.Response(200, json=page(*numbered(3, 4), total=5)),
    ]
    seen = [batch.batch_id async for batch in ras.iter_batches_for_user(TEACHER, page_size=2, status="cancelled")]

    assert seen == [entry["batch_id"] for entry in numbered(0, 4)]
    assert [str(request.url.query, "ascii") for request in sent(route)] == [
        f"limit=2&offset={offset}&status=cancelled" for offset in (0, 2, 4)
    ]
    assert len({request.headers["X-Correlation-ID"] for request in sent(route)}) == 1


async def test_iterating_ends_at_an_empty_page(ras: RASClient, router: respx.MockRouter) -> None:
    route = router.get(path__startswith="/")
    route.side_effect = [
        httpx.Response(200, json=page(*numbered(0, 2), total=9)),
        httpx.Response(200, json=page(total=9)),
    ]

    assert len([batch async for batch in ras.iter_batches_for_user(TEACHER, page_size=2)]) == 2


@pytest.mark.parametrize("score", ["1e400", "NaN", "-Infinity"])
async def test_a_score_that_is_no_finite_number_is_a_violation(
    ras: RASClient, router: respx.MockRouter, score: str
) -> None:
    answer = recorded("ras_batch_status_completed_with_failures")
    body = re.sub(rb'"cj_score": ?[\d.]+', f'"cj_score":{score}'.encode(), answer.body, count=1)
    router.get(path__startswith="/").respond(200, content=body, content_type=answer.content_type)

    assert score.encode() in body
    with pytest.raises(ContractViolation, match=r"essays\.\d\.cj_score: finite_number"):
        await ras.get_batch_status(answer.target.split("/")[-2])
