"""What the BFF needs of RAS's list of a user's batches."""

import json
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from bff_clients import Batch, BatchClientStatus, BatchStatus, RASClient
from bff_contracts.states import USER_HAS_BATCHES
from tests.consumer import rules
from tests.consumer.conftest import Receives
from tests.consumer.recording import USER_PATH, USER_PATH_PATTERN, Expectation, page_query, settings_for
from tests.consumer.rows import (
    CLIENT_STATUS,
    LISTED_BATCH,
    SHELF,
    TEACHER,
    Json,
    batch_row,
    essay_row,
    page_answer,
    ranked,
    shelf,
    spellchecked,
    stored,
    teacher_of,
    uuid_of,
)

pytestmark = pytest.mark.anyio

READY = BatchStatus.READY_FOR_PIPELINE_EXECUTION
RUNNING = BatchStatus.PROCESSING_PIPELINES
STARTED: Json = {"requested_pipeline": "spellcheck,cj_assessment", "processing_started_at": "2026-01-31T09:00:00"}
NEIGHBOUR = uuid_of("teacher", "of no interaction")


def _id(name: str) -> str:
    return uuid_of("batch", name)


def _touched(number: int) -> str:
    """When a row was last updated: neither in the order of the rows nor in its reverse."""
    return f"2026-12-01T10:{number * 7 % 20:02}:00"


async def test_shape_of_a_page(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A page holds batches of the user asked for, in the forms that the client's models read."""
    essays = [spellchecked(uuid_of("page", 0)), essay_row(uuid_of("page", 1), spellcheck_status="processing")]
    row = batch_row(LISTED_BATCH, RUNNING, essays=essays, **STARTED)
    expected = (
        ras_receives("batches of a user: a page")
        .given(USER_HAS_BATCHES, user_id=TEACHER, batches=[row])
        .shape()
        .get(USER_PATH + TEACHER, USER_PATH_PATTERN, **page_query())
        .authenticated()
        .answers(200, page_answer([row], TEACHER), rules.list_shape())
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(TEACHER)

    assert [(batch.batch_id, batch.overall_status) for batch in page.batches] == [
        (row["batch_id"], BatchClientStatus.PROCESSING)
    ]
    assert page.pagination.total == 1


async def test_first_page(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """Rows come newest first in every order of the store, without rows of other users."""
    rows = shelf("first", [READY] * SHELF)
    rows[1] |= {"assignment_id": None}
    rows[3] |= STARTED | {"internal_status": "completed_successfully", "essay_count": 9, "completed_essay_count": 9}
    rows[3] |= {"processing_completed_at": "2026-01-31T09:12:34.567"}
    rows[5] |= STARTED | {"internal_status": "processing_pipelines", "failed_essay_count": 1}
    strange = batch_row(_id("strange"), READY, created_at="2026-01-31T08:00:00")
    expected = ras_receives("batches of a user: the first page, newest first")
    expected.given(USER_HAS_BATCHES, user_id=NEIGHBOUR, batches=[strange])

    assert await _read(http, expected, "first", rows) == rows


@pytest.mark.parametrize("status", list(BatchStatus), ids=lambda status: status.value)
async def test_filter(ras_receives: Receives, http: httpx.AsyncClient, status: BatchStatus) -> None:
    """The filter takes each internal status and lets only rows in exactly that one pass.

    Essays in a phase make that the batch's phase in one status alone, and there only while one of them is unfinished.
    """
    others = [other for other in BatchStatus if other is not status]
    # The neighbours first: rows that answers show with the same client status are the ones to mix up.
    others.sort(key=lambda other: CLIENT_STATUS[other] is not CLIENT_STATUS[status])
    rows = shelf(status, [others[0], status, others[1], status, status, others[2], others[3]])
    rows[1]["essays"] = [ranked(uuid_of(status, 0))]
    rows[4]["essays"] = [essay_row(uuid_of(status, 1), spellcheck_status="processing"), ranked(uuid_of(status, 2))]
    expected = ras_receives(f"batches of a user: in the internal status {status.value}")

    assert await _read(http, expected, status, rows, status=status) == [rows[1], rows[3], rows[4]]


@pytest.mark.parametrize(
    ("description", "limit", "offset", "status"),
    [
        pytest.param("a later page", 2, 2, None, id="later"),
        pytest.param("the last page", 3, 6, None, id="last"),
        pytest.param("past the end", 3, SHELF, None, id="past-the-end"),
        pytest.param("the longest page", 100, 0, None, id="longest"),
        pytest.param("a later page in one status", 2, 2, READY, id="later-filtered"),
        pytest.param("past the end in one status", 2, 4, READY, id="past-the-end-filtered"),
    ],
)
async def test_page(
    ras_receives: Receives,
    http: httpx.AsyncClient,
    description: str,
    limit: int,
    offset: int,
    status: BatchStatus | None,
) -> None:
    """A page goes on where the one before it ended, the last one is short, and the total counts all rows.

    Offset, limit and total are about the rows that the filter lets pass. All these pages are one user's, so that a
    cache has to distinguish them.
    """
    waiting = BatchStatus.AWAITING_PIPELINE_CONFIGURATION
    rows = shelf("pages", [waiting, READY, READY, waiting, READY, waiting, READY])
    passing = rows if status is None else [rows[1], rows[2], rows[4], rows[6]]
    expected = ras_receives(f"batches of a user: {description}")

    found = await _read(http, expected, "pages", rows, limit=limit, offset=offset, status=status)

    assert found == passing[offset : offset + limit]


async def test_full_page(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A page has as many rows as are asked for, when there are as many."""
    user = teacher_of("full page")
    rows = [
        batch_row(uuid_of("full page", number), READY, created_at=f"2026-01-{30 - number:02}T08:15:30")
        | {"last_updated": _touched(number)}
        for number in range(20)
    ]
    body = page_answer(rows, user)
    moments = {f"$.batches[*].{name}": rules.must(rules.DATE_TIME) for name in ("created_at", "last_updated")}
    expected = (
        ras_receives("batches of a user: a full page")
        .given(USER_HAS_BATCHES, user_id=user, batches=[*rows[11:], *rows[:11]])
        .get(USER_PATH + user, USER_PATH_PATTERN, **page_query())
        .authenticated()
        .answers(200, body, moments)
    )

    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(user)

    assert [batch.batch_id for batch in page.batches] == [row["batch_id"] for row in rows]


async def test_no_batches(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A user without batches, or one that RAS does not know, has an empty page."""
    expected = ras_receives("batches of a user: none")
    expected.given(USER_HAS_BATCHES, user_id=NEIGHBOUR, batches=[batch_row(_id("strange"), READY)])

    assert await _read(http, expected, "none", []) == []


async def test_no_batches_in_a_status(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A filter that lets no row pass leaves an empty page, not all rows and no error."""
    expected = ras_receives("batches of a user: none in one status")
    rows = [batch_row(_id("none in one"), BatchStatus.AWAITING_STUDENT_VALIDATION)]

    assert await _read(http, expected, "none in one", rows, status=RUNNING) == []


async def test_similar_users(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """User ids are compared character by character: not as patterns, nor in another case or normal form."""
    user = "Lärare_1.a+b%41"
    similar = ["lärare_1.a+b%41", "Lärare_1.a+b", "LärareX1.a+b%41", "Lärare_1.a b%41", "Lärare_1.a+bA", f"{user}d"]
    similar.append(user.replace("\u00e4", "a\u0308"))
    expected = ras_receives("batches of a user: users with similar ids")
    for number, other in enumerate(similar):
        expected.given(USER_HAS_BATCHES, user_id=other, batches=[batch_row(_id(f"similar {number}"), READY)])
    rows = [batch_row(_id("similar"), READY)]

    assert await _read(http, expected, "", rows, user=user) == rows


def _essays(name: str, *stages: tuple[str | None, str | None]) -> list[Json]:
    return [
        essay_row(uuid_of("phase", name, at), spellcheck_status=spellcheck, cj_assessment_status=assessment)
        for at, (spellcheck, assessment) in enumerate(stages)
    ]


Stage = tuple[str | None, str | None]
DONE: Final[Stage] = ("completed", "completed")


@pytest.mark.parametrize(
    ("description", "unfinished"),
    [
        pytest.param("in spellcheck", [(word, None) for word in ("pending", "initialized", "processing", None)]),
        pytest.param(
            "in CJ assessment", [("completed", word) for word in ("pending", "initialized", "processing", None)]
        ),
    ],
    ids=["spellcheck", "cj-assessment"],
)
async def test_phases(
    ras_receives: Receives, http: httpx.AsyncClient, description: str, unfinished: list[Stage]
) -> None:
    """One unfinished essay makes the phase, whichever it is; one that failed or was cancelled is finished."""
    ended = [("failed", "cancelled"), ("cancelled", "failed")]
    rows = shelf(description, [RUNNING] * 6)
    for at, stage in enumerate(unfinished):
        stages: list[Stage] = [DONE, *ended, DONE]
        stages.insert(at * 2, stage)
        rows[at]["essays"] = _essays(f"{description} {at}", *stages)
    rows[4]["essays"] = _essays(f"{description} 4", DONE, *ended)
    for row in rows:
        row.update(STARTED, essay_count=30)
    expected = ras_receives(f"batches of a user: {description}")

    assert await _read(http, expected, description, rows) == rows


async def test_dates(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """Moments are UTC to the microsecond: on leap days, at the ends of years, and when clocks change in Sweden."""
    moments = [
        "2026-10-25T01:30:00",  # what a Swedish clock shows twice
        "2026-10-25T00:30:00",
        "2026-03-29T02:30:00.000002",  # what a Swedish clock never shows
        "2026-03-29T02:30:00.000001",
        "2026-03-29T01:00:00",
        "2024-12-31T23:59:59.999999",
        "2024-02-29T00:00:00",
    ]
    rows = [
        batch_row(_id(f"date {number}"), RUNNING, created_at=moment, last_updated=_touched(number))
        | {"requested_pipeline": "spellcheck", "processing_started_at": moment}
        for number, moment in enumerate(moments)
    ]
    expected = ras_receives("batches of a user: moments that are easily mistaken")

    assert await _read(http, expected, "dates", rows) == rows


async def test_texts(ras_receives: Receives, http: httpx.AsyncClient) -> None:
    """A text is unchanged: an empty one is not `null`, digits are not a number, and nothing is trimmed."""
    texts = ["", "null", "0012", " Uppgift ", '<b>Åk 1</b> & "2"', "e\u0301 \u00e9 \N{OWL}", "a\\b/c\nd"]
    rows = [
        batch_row(
            _id(f"text {number}"),
            READY,
            assignment_id=text,
            created_at=f"2026-01-{30 - number}T08:{number * 7 % 20:02}:30",
        )
        | {"last_updated": _touched(number)}
        for number, text in enumerate(texts)
    ]
    rows[0] |= {"essay_count": 0}
    rows[1] |= {"essay_count": 1234567}
    expected = ras_receives("batches of a user: texts that are easily mistaken")

    assert await _read(http, expected, "texts", rows) == rows


async def _read(
    http: httpx.AsyncClient,
    expected: Expectation,
    name: str,
    rows: list[Json],
    *,
    user: str = "",
    limit: int = 20,
    offset: int = 0,
    status: BatchStatus | None = None,
) -> list[Json]:
    """Expect a page of rows that are given newest first and stored in another order, and read it.

    Returns:
        The rows that the client's batches are of.
    """
    teacher = user or teacher_of(name)
    found = [row for row in rows if status in {None, row["internal_status"]}]
    body = page_answer(found[offset : offset + limit], teacher, limit=limit, offset=offset, total=len(found))
    filters: dict[str, Any] = {"status": status.value} if status else {}
    expected.given(USER_HAS_BATCHES, user_id=teacher, batches=stored(rows))
    expected.get(
        USER_PATH + quote(teacher, safe=""), USER_PATH_PATTERN, **page_query(limit=limit, offset=offset), **filters
    )
    expected.authenticated().answers(200, body, rules.pinned(body))
    with expected.served() as url:
        page = await RASClient(http, settings_for(url)).get_batches_for_user(
            teacher, limit=limit, offset=offset, status=status
        )
    assert page.pagination.model_dump() == body["pagination"]
    assert list(page.batches) == [Batch.model_validate_json(json.dumps(batch)) for batch in body["batches"]]
    return [next(row for row in rows if row["batch_id"] == batch.batch_id) for batch in page.batches]
