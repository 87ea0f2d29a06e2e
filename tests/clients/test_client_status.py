"""Filtering by client status: several lists of RAS are merged into one."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_clients import BackendSettings, BackendUnavailable, BatchClientStatus, BatchStatus, InvalidArgument, RASClient
from bff_mock_server.world.rows import CLIENT_STATUS
from tests.support.golden import Golden
from tests.support.platform import KEY, TEACHER
from tests.support.ras_pages import page, row

EPOCH = datetime(2026, 1, 31, tzinfo=UTC)
PROCESSING = BatchClientStatus.PROCESSING
IN_PIPELINES = BatchStatus.PROCESSING_PIPELINES
Rows = list[tuple[BatchStatus, int]]
"""Internal status and age of each batch."""

rows = st.lists(st.tuples(st.sampled_from(BatchStatus), st.integers(0, 6)), max_size=40)
crowded_rows = st.lists(
    st.tuples(st.sampled_from([*PROCESSING.internal[:2], BatchStatus.CANCELLED]), st.integers(0, 1)), max_size=30
)
"""Many rows of one status share their moment."""


def ras_with(
    batches: Rows, asked: list[httpx.URL] | None = None, fail: str = "", chance: Random | None = None
) -> httpx.MockTransport:
    """RAS over these batches: it filters by an internal status, then sorts, then cuts.

    By chance, if it is given, rows of one moment come in another order each time, as they may at RAS.
    """
    stored = [
        (
            status,
            row(batch_id=f"00000000-0000-4000-8000-{at:012d}", created_at=_moment(age), overall_status=_client(status)),
        )
        for at, (status, age) in enumerate(batches)
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request.url)
        params = request.url.params
        if params["status"] == fail:
            return httpx.Response(500)
        found = [one for status, one in stored if status == params["status"]]
        if chance is not None:
            chance.shuffle(found)
        found.sort(key=lambda one: str(one["created_at"]), reverse=True)
        limit, offset = int(params["limit"]), int(params["offset"])
        body = page(*found[offset : offset + limit], limit=limit, offset=offset, total=len(found))
        return httpx.Response(200, json=json.loads(json.dumps(body)))

    return httpx.MockTransport(answer)


def _moment(age: int) -> str:
    return (EPOCH - timedelta(minutes=age)).isoformat().replace("+00:00", "Z")


def _client(status: BatchStatus) -> str:
    return CLIENT_STATUS[status]


def run(transport: httpx.MockTransport, use: Callable[[RASClient], Any]) -> Any:
    async def main() -> Any:
        async with httpx.AsyncClient(transport=transport) as http:
            return await use(RASClient(http, BackendSettings(internal_api_key=KEY)))

    return asyncio.run(main())


def test_each_internal_status_is_one_of_a_client_status() -> None:
    """As RAS maps them, which the mock does as well."""
    assert {one: client for client in BatchClientStatus for one in client.internal} == CLIENT_STATUS


@given(
    batches=rows | crowded_rows,
    status=st.sampled_from(BatchClientStatus) | st.just(PROCESSING),
    limit=st.integers(1, 7),
    seed=st.integers(0, 99),
)
def test_pages_are_the_whole_list_without_gap_or_repeat(
    batches: Rows, status: BatchClientStatus, limit: int, seed: int
) -> None:
    """Whatever the order of rows of one moment, where the client merges; else it is RAS's."""
    chance = Random(seed) if len(status.internal) > 1 else None
    wanted = [at for at, (internal, _) in enumerate(batches) if internal in status.internal]

    async def read(ras: RASClient) -> tuple[list[str], list[datetime]]:
        ids: list[str] = []
        moments: list[datetime] = []
        offset: int | None = 0
        while offset is not None:
            found = await ras.get_batches_for_user(TEACHER, limit=limit, offset=offset, status=status)
            assert found.pagination.total == len(wanted)
            ids += [batch.batch_id for batch in found.batches]
            moments += [batch.created_at for batch in found.batches]
            offset = found.next_offset
        return ids, moments

    ids, moments = run(ras_with(batches, chance=chance), read)

    assert sorted(int(one[-12:]) for one in ids) == wanted
    assert moments == sorted(moments, reverse=True)


@given(batches=rows, page_size=st.integers(1, 7))
def test_all_are_read_newest_first(batches: Rows, page_size: int) -> None:
    async def read(ras: RASClient) -> list[datetime]:
        found = ras.iter_batches_for_user(TEACHER, status=PROCESSING, page_size=page_size)
        return [batch.created_at async for batch in found]

    moments = run(ras_with(batches), read)

    assert len(moments) == sum(internal in PROCESSING.internal for internal, _ in batches)
    assert moments == sorted(moments, reverse=True)


def test_a_batch_that_is_in_several_lists_is_read_once() -> None:
    """It moved from one status to another between two requests."""
    ids = {status: f"00000000-0000-4000-8000-{at:012d}" for at, status in enumerate(PROCESSING.internal)}

    def answer(request: httpx.Request) -> httpx.Response:
        own = row(batch_id=ids[BatchStatus(request.url.params["status"])], created_at=_moment(1))
        return httpx.Response(200, json=page(row(created_at=_moment(0)), own, limit=100))

    async def read(ras: RASClient) -> list[str]:
        return [batch.batch_id async for batch in ras.iter_batches_for_user(TEACHER, status=PROCESSING)]

    first, *others = run(httpx.MockTransport(answer), read)

    assert first == row()["batch_id"]
    assert sorted(others) == sorted(ids.values())


@pytest.mark.parametrize("status", [PROCESSING, BatchClientStatus.READY], ids=["several", "one"])
def test_reading_may_be_ended_early(status: BatchClientStatus) -> None:
    async def read(ras: RASClient) -> tuple[datetime, list[str]]:
        async with aclosing(ras.iter_batches_for_user(TEACHER, status=status)) as found:
            first = await anext(found)
        return first.created_at, [batch.batch_id async for batch in found]

    batches = [(one, age) for age in range(3) for one in status.internal]

    assert run(ras_with(batches), read) == (EPOCH, [])


def test_reading_several_lists_is_over_after_the_failure_of_one() -> None:
    """And does not go on without the rows of the list that failed."""
    handler = ras_with([(one, age) for age in range(3) for one in PROCESSING.internal]).handler

    def answer(request: httpx.Request) -> httpx.Response:
        is_second = request.url.params["status"] == PROCESSING.internal[1]
        response = httpx.Response(500) if is_second and request.url.params["offset"] == "1" else handler(request)
        assert isinstance(response, httpx.Response)
        return response

    async def read(ras: RASClient) -> list[str]:
        found = ras.iter_batches_for_user(TEACHER, status=PROCESSING, page_size=1)
        with pytest.raises(BackendUnavailable):
            _ = [batch async for batch in found]
        return [batch.batch_id async for batch in found]

    assert run(httpx.MockTransport(answer), read) == []


@pytest.mark.parametrize(
    ("status", "requests", "limit"),
    [
        pytest.param(PROCESSING, 4, "3", id="several"),
        pytest.param("processing", 4, "3", id="several-as-text"),
        pytest.param(BatchClientStatus.READY, 1, "2", id="one"),
        pytest.param("ready", 1, "2", id="one-as-text"),
    ],
)
def test_a_first_page_costs_a_request_for_each_internal_status(status: str, requests: int, limit: str) -> None:
    asked: list[httpx.URL] = []
    batches = [(one, age) for age in range(5) for one in BatchStatus]

    run(ras_with(batches, asked), lambda ras: ras.get_batches_for_user(TEACHER, status=status, limit=2))

    assert len(asked) == requests
    assert {url.params["limit"] for url in asked} == {limit}


@pytest.mark.parametrize(
    ("batches", "offset", "requests"),
    [
        pytest.param([(IN_PIPELINES, age) for age in range(30)], 0, 4, id="all-in-one-status"),
        pytest.param([(IN_PIPELINES, age // 2) for age in range(60)], 1, 5, id="a-moment-shared-at-the-end"),
        pytest.param([(one, 0) for one in PROCESSING.internal for _ in range(300)], 0, 12, id="one-moment"),
        pytest.param([(one, 0) for one in PROCESSING.internal for _ in range(1200)], 980, 44, id="one-moment-far-down"),
    ],
)
def test_the_cost_of_a_page_is_bounded_for_all_rows(batches: Rows, offset: int, requests: int) -> None:
    asked: list[httpx.URL] = []

    found = run(
        ras_with(batches, asked), lambda ras: ras.get_batches_for_user(TEACHER, status=PROCESSING, offset=offset)
    )

    assert (len(found.batches), found.pagination.total) == (20, len(batches))
    assert len(asked) == requests


@pytest.mark.parametrize(("reported", "total"), [(2**64 - 1, 2**64 - 1), (2**63, 2**64 - 1), (0, 1), (3, 9)])
def test_a_merged_page_computes_its_own_total(reported: int, total: int) -> None:
    """Each of the four lists holds the same batch."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["status"])
        return httpx.Response(200, json=page(row(), limit=int(request.url.params["limit"]), total=reported))

    found = run(httpx.MockTransport(answer), lambda ras: ras.get_batches_for_user(TEACHER, status=PROCESSING, limit=1))

    assert (len(found.batches), found.pagination.total, len(asked)) == (1, total, 4)


@pytest.mark.parametrize("latest", PROCESSING.internal)
def test_a_batch_in_several_lists_is_as_it_was_last_updated(latest: BatchStatus) -> None:
    """It moved from one status to another between two requests."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_latest = request.url.params["status"] == latest
        found = row(last_updated=_moment(1 if is_latest else 2), essay_count=7 if is_latest else 0)
        return httpx.Response(200, json=page(found, limit=int(request.url.params["limit"])))

    found = run(httpx.MockTransport(answer), lambda ras: ras.get_batches_for_user(TEACHER, status=PROCESSING))

    assert [batch.essay_count for batch in found.batches] == [7]


def test_no_more_is_read_than_the_page_needs() -> None:
    asked: list[httpx.URL] = []
    batches = [(BatchStatus.PROCESSING_PIPELINES, age) for age in range(300)]
    batches += [(BatchStatus.AWAITING_STUDENT_VALIDATION, 1000 + age) for age in range(300)]

    found = run(ras_with(batches, asked), lambda ras: ras.get_batches_for_user(TEACHER, status=PROCESSING, offset=230))

    assert len(found.batches) == 20
    assert len(asked) == 4 + 3


def test_a_failure_of_one_is_the_failure_of_the_call() -> None:
    transport = ras_with([], fail="awaiting_student_validation")

    with pytest.raises(BackendUnavailable):
        run(transport, lambda ras: ras.get_batches_for_user(TEACHER, status=PROCESSING))


def test_how_far_down_a_merged_page_may_reach_is_bounded(golden: Golden) -> None:
    asked: list[httpx.URL] = []

    with pytest.raises(InvalidArgument) as refused:
        run(ras_with([], asked), lambda ras: ras.get_batches_for_user(TEACHER, status=PROCESSING, offset=981))
    assert asked == []
    golden.check(str(refused.value))
