"""What the BFF needs of RAS's list of a user's batches."""

import json

import httpx
import pytest

from bff_clients import Batch, BatchClientStatus, BatchStatus, RASClient
from bff_contracts.states import USER_HAS_BATCHES
from tests.consumer import rules
from tests.consumer.conftest import Receives
from tests.consumer.recording import USER_PATH, USER_PATH_PATTERN, page_query, settings_for
from tests.consumer.rows import (
    CLIENT_STATUS,
    NEW_TEACHER,
    OTHER_TEACHER,
    TEACHER,
    batch_row,
    essay_row,
    page_answer,
    ranked,
    spellchecked,
)

pytestmark = pytest.mark.anyio

PATH = USER_PATH + TEACHER

_WAITING = batch_row(0, BatchStatus.AWAITING_CONTENT_VALIDATION, assignment_id=None)
_RUNNING = batch_row(
    4,
    BatchStatus.PROCESSING_PIPELINES,
    requested_pipeline="spellcheck,cj_assessment",
    processing_started_at="2026-01-31T09:00:00",
    essays=[spellchecked(0), essay_row(1, spellcheck_status="processing")],
)
_DONE = batch_row(
    8,
    BatchStatus.COMPLETED_SUCCESSFULLY,
    completed_essay_count=3,
    requested_pipeline="spellcheck,cj_assessment",
    processing_started_at="2026-01-31T09:00:00",
    processing_completed_at="2026-01-31T09:12:34.567",
    last_updated="2026-01-31T09:12:34.567",  # later than any other row, which is older all the same
)


async def test_shape_of_a_page(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A page holds batches of the user asked for, in the forms that the client's models read."""
    expected = (
        ras_receives("batches of a user: a page")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[_RUNNING])
        .shape()
        .get(PATH, USER_PATH_PATTERN, **page_query())
        .authenticated()
        .answers(200, page_answer([_RUNNING], TEACHER), rules.list_shape())
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(TEACHER)

    assert [(batch.batch_id, batch.overall_status) for batch in page] == [
        (_RUNNING["batch_id"], BatchClientStatus.PROCESSING)
    ]
    assert page.pagination.total == 1


async def test_first_page(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """Rows come newest first, whatever their order in the store, and nobody else's rows come with them."""
    body = page_answer([_WAITING, _RUNNING, _DONE], TEACHER)
    expected = (
        ras_receives("batches of a user: the first page, newest first")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[_RUNNING, _DONE, _WAITING])
        .given(USER_HAS_BATCHES, user_id=OTHER_TEACHER, batches=[batch_row(1, BatchStatus.CANCELLED)])
        .get(PATH, USER_PATH_PATTERN, **page_query())
        .authenticated()
        .answers(200, body, rules.moments(body))
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(TEACHER)

    assert list(page) == [Batch.model_validate_json(json.dumps(batch)) for batch in body["batches"]]
    assert page.pagination.model_dump() == body["pagination"]


@pytest.mark.parametrize("status", list(BatchStatus), ids=lambda status: status.value)
async def test_filter(ras_receives: Receives, http: httpx.AsyncClient, status: BatchStatus) -> None:
    """The filter takes each internal status and lets only rows in exactly that one pass.

    Essays in a phase make that the batch's phase in one status alone, and there only while one of them is unfinished.
    """
    older = batch_row(6, status, essays=[ranked(0), essay_row(1, spellcheck_status="processing")])
    newer = batch_row(2, status, essays=[ranked(2)])
    others = [other for other in BatchStatus if other is not status]
    # The neighbours first: rows that answers show with the same client status are the ones to mix up.
    others.sort(key=lambda other: CLIENT_STATUS[other] is not CLIENT_STATUS[status])
    hidden = [batch_row(number, other) for number, other in zip((0, 4, 9), others, strict=False)]
    body = page_answer([newer, older], TEACHER)
    expected = (
        ras_receives(f"batches of a user: in the internal status {status.value}")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[older, *hidden, newer])
        .get(PATH, USER_PATH_PATTERN, **page_query(), status=status.value)
        .authenticated()
        .answers(200, body, rules.moments(body))
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(TEACHER, status=status)

    assert [batch.batch_id for batch in page] == [newer["batch_id"], older["batch_id"]]
    assert {batch.overall_status for batch in page} == {CLIENT_STATUS[status]}


async def test_later_page(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A later page goes on where the one before it ended, and its total counts all rows."""
    rows = [batch_row(number, BatchStatus.READY_FOR_PIPELINE_EXECUTION) for number in range(5)]
    body = page_answer(rows[2:4], TEACHER, limit=2, offset=2, total=5)
    expected = (
        ras_receives("batches of a user: a later page")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[rows[number] for number in (3, 0, 4, 2, 1)])
        .get(PATH, USER_PATH_PATTERN, **page_query(limit=2, offset=2))
        .authenticated()
        .answers(200, body, rules.moments(body))
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(TEACHER, limit=2, offset=2)

    assert [batch.batch_id for batch in page] == [row["batch_id"] for row in rows[2:4]]
    assert page.pagination.model_dump() == {"limit": 2, "offset": 2, "total": 5}


async def test_page_past_the_end(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """Past the end a page is empty and still says how many rows there are."""
    expected = (
        ras_receives("batches of a user: past the end")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[_WAITING, _RUNNING])
        .get(PATH, USER_PATH_PATTERN, **page_query(offset=40))
        .authenticated()
        .answers(200, page_answer([], TEACHER, offset=40, total=2))
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(TEACHER, offset=40)

    assert (len(page), page.pagination.total) == (0, 2)


async def test_no_batches(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A user without batches, or one that RAS does not know, has an empty page."""
    expected = (
        ras_receives("batches of a user: none")
        .given(USER_HAS_BATCHES, user_id=NEW_TEACHER, batches=[])
        .get(USER_PATH + NEW_TEACHER, USER_PATH_PATTERN, **page_query())
        .authenticated()
        .answers(200, page_answer([], NEW_TEACHER))
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(NEW_TEACHER)

    assert (len(page), page.pagination.total) == (0, 0)
