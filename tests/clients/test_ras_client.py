"""What the RAS client sends, page after page, and what it refuses to send."""

import pickle
from typing import Any
from uuid import UUID

import httpx
import pytest
import respx

from bff_clients import BackendRejected, BatchStatus, InvalidArgument, RASClient
from tests.support.golden import Golden
from tests.support.platform import BATCH, KEY, TEACHER, sent
from tests.support.ras_pages import page, row

pytestmark = pytest.mark.anyio
CORRELATION = "0b5c1b0e-6f0a-4c0e-8c53-5b3f6f6d2b11"


class Silent:
    """An object without a text."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


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


async def test_a_malformed_correlation_id_is_refused_before_any_request(ras: RASClient) -> None:
    with pytest.raises(InvalidArgument, match="correlation_id"):
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
    route = router.get(path__startswith="/").respond(json=page(limit=5, offset=10))
    await ras.get_batches_for_user(user_id, limit=5, offset=10, status="cancelled")

    expected = f"/internal/v1/batches/user/{segment}?limit=5&offset=10&status=cancelled"
    assert sent(route)[-1].url.raw_path == expected.encode()


@pytest.mark.parametrize(
    "user_id",
    [
        *(
            pytest.param(one, id=ascii(one))
            for one in ("", ".", "..", "a/b", "/", "a\nb", "a\x00", "\x7f", "\x85", "\ud800")
        ),
        pytest.param("a" * 70_000, id="long"),
        pytest.param("ö" * 400, id="long-when-escaped"),
    ],
    ids=ascii,
)
async def test_a_user_id_that_no_path_segment_can_carry_is_rejected_before_any_request(
    ras: RASClient, user_id: str, golden: Golden
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await ras.get_batches_for_user(user_id)

    assert refused.value.argument == "user_id"
    golden.check(str(refused.value))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"limit": 0}, id="no-rows"),
        pytest.param({"limit": 101}, id="too-many-rows"),
        pytest.param({"limit": 10**5000}, id="more-rows-than-python-writes"),
        pytest.param({"offset": 10**5000}, id="an-endless-offset"),
        pytest.param({"offset": -1}, id="negative-offset"),
        pytest.param({"offset": 10**18}, id="offset-that-no-contract-allows"),
    ],
)
async def test_a_page_outside_bounds_is_refused_before_any_request(
    ras: RASClient, arguments: dict[str, int], golden: Golden
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await ras.get_batches_for_user(TEACHER, **arguments)  # type: ignore[arg-type]

    assert refused.value.argument in arguments
    golden.check(str(refused.value))


@pytest.mark.parametrize(("limit", "offset"), [(1, 0), (100, 1), (20, 10**18 - 1)])
async def test_the_bounds_of_a_page_may_be_asked_for(
    ras: RASClient, router: respx.MockRouter, limit: int, offset: int
) -> None:
    route = router.get(path__startswith="/").respond(json=page(limit=limit, offset=offset))
    await ras.get_batches_for_user(TEACHER, limit=limit, offset=offset)

    assert sent(route)[-1].url.query == f"limit={limit}&offset={offset}".encode()


@pytest.mark.parametrize(
    "status",
    ["PROCESSING_PIPELINES", "a,b", "", "new"],
)
async def test_an_unknown_status_is_rejected_with_the_known_ones(ras: RASClient, status: str, golden: Golden) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await ras.get_batches_for_user(TEACHER, status=status)

    assert refused.value.argument == "status"
    golden.check(str(refused.value))


@pytest.mark.parametrize("status", list(BatchStatus))
async def test_each_internal_status_filters(ras: RASClient, router: respx.MockRouter, status: BatchStatus) -> None:
    route = router.get(path__startswith="/").respond(json=page())
    await ras.get_batches_for_user(TEACHER, status=status)
    await ras.get_batches_for_user(TEACHER, status=str(status.value))

    assert [request.url.params["status"] for request in sent(route)] == [status.value] * 2


@pytest.mark.parametrize(
    "batch_id", ["", "nope", BATCH[:-1], BATCH.replace("2", "\uff12"), f"0x{BATCH[2:]}", "{" + BATCH]
)
async def test_a_malformed_batch_id_is_refused_before_any_request(ras: RASClient, batch_id: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await ras.get_batch_status(batch_id)

    assert refused.value.argument == "batch_id"


@pytest.mark.parametrize(
    ("argument", "method", "given"),
    [
        pytest.param("batch_id", "get_batch_status", {"batch_id": "Anna Ek"}, id="batch"),
        pytest.param("user_id", "get_batches_for_user", {"user_id": "Anna/Ek"}, id="slash"),
        pytest.param("user_id", "get_batches_for_user", {"user_id": "Anna Ek\0"}, id="control"),
        pytest.param("user_id", "get_batches_for_user", {"user_id": "Anna Ek" * 400}, id="long"),
        pytest.param("user_id", "get_batches_for_user", {"user_id": 7}, id="number"),
        pytest.param("status", "get_batches_for_user", {"user_id": "a", "status": "Anna Ek"}, id="status"),
        pytest.param("status", "get_batches_for_user", {"user_id": "a", "status": Silent()}, id="status-object"),
        pytest.param("limit", "get_batches_for_user", {"user_id": "a", "limit": 0}, id="limit"),
        pytest.param("limit", "get_batches_for_user", {"user_id": "a", "limit": "Anna"}, id="limit-text"),
        pytest.param("limit", "get_batches_for_user", {"user_id": "a", "limit": True}, id="limit-bool"),
        pytest.param("page_size", "iter_batches_for_user", {"user_id": "a", "page_size": 0}, id="page-size"),
        pytest.param("page_size", "iter_batches_for_user", {"user_id": "a", "page_size": "Anna"}, id="page-size-text"),
        pytest.param("offset", "get_batches_for_user", {"user_id": "a", "offset": 10**18}, id="offset"),
        pytest.param("offset", "get_batches_for_user", {"user_id": "a", "offset": 1.5}, id="offset-float"),
        pytest.param(
            "correlation_id", "get_batch_status", {"batch_id": BATCH, "correlation_id": "Anna Ek"}, id="correlation"
        ),
        pytest.param(
            "correlation_id", "get_batch_status", {"batch_id": BATCH, "correlation_id": Silent()}, id="no-text"
        ),
    ],
)
async def test_an_invalid_argument_is_named_and_never_quoted(
    ras: RASClient, argument: str, method: str, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await getattr(ras, method)(**given)

    assert refused.value.argument == argument
    assert str(refused.value) == f"{argument} {refused.value.problem}"
    assert "Anna" not in str(refused.value)
    assert pickle.loads(pickle.dumps(refused.value)).argument == argument  # noqa: S301


async def test_a_uuid_is_an_id(ras: RASClient, router: respx.MockRouter) -> None:
    route = router.get(path__startswith="/").respond(404, json={"error": "Batch not found"})

    assert await ras.get_batch_status(UUID(BATCH)) is None
    with pytest.raises(BackendRejected):
        await ras.get_batches_for_user(UUID(TEACHER))

    paths = [request.url.path for request in sent(route)]
    assert paths == [f"/internal/v1/batches/{BATCH}/status", f"/internal/v1/batches/user/{TEACHER}"]


class Other:
    """Is written as another text than it is, like members of some enums."""

    def __str__(self) -> str:
        return "../../other"

    def __format__(self, spec: str) -> str:
        return "../../other"

    def __repr__(self) -> str:
        raise AssertionError


class Word(Other, str):  # noqa: SLOT000
    pass


class Id(Other, UUID):
    pass


class Number(Other, int):
    pass


async def test_what_an_argument_is_counts_and_not_how_it_is_written(ras: RASClient, router: respx.MockRouter) -> None:
    route = router.get(path__startswith="/").respond(404, json={"error": "Batch not found"})

    for batch_id in (Word(BATCH), Word(BATCH.upper()), Id(BATCH)):
        assert await ras.get_batch_status(batch_id, correlation_id=batch_id) is None
    for user_id in (Word(TEACHER), Id(TEACHER)):
        with pytest.raises(BackendRejected):
            await ras.get_batches_for_user(user_id, limit=Number(5), offset=Number(7), status=Word("ready"))

    asked = [request.url.raw_path.decode() for request in sent(route)]
    page_target = f"/internal/v1/batches/user/{TEACHER}?limit=5&offset=7&status=ready_for_pipeline_execution"
    assert asked == [f"/internal/v1/batches/{BATCH}/status"] * 3 + [page_target] * 2


def numbered(start: int, stop: int) -> list[dict[str, Any]]:
    return [row(batch_id=f"00000000-0000-4000-8000-{number:012d}") for number in range(start, stop)]


async def test_iterating_gives_each_batch_once_also_when_rows_arrive_between_pages(
    ras: RASClient, router: respx.MockRouter
) -> None:
    route = router.get(path__startswith="/")
    route.side_effect = [
        httpx.Response(200, json=page(*numbered(0, 2), total=4, limit=2)),
        httpx.Response(
            200, json=page(*numbered(1, 3), total=5, limit=2, offset=2)
        ),  # one arrived on top: row 1 comes again
        httpx.Response(200, json=page(*numbered(3, 4), total=5, limit=2, offset=4)),
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
        httpx.Response(200, json=page(*numbered(0, 2), total=9, limit=2)),
        httpx.Response(200, json=page(total=9, limit=2, offset=2)),
    ]

    assert len([batch async for batch in ras.iter_batches_for_user(TEACHER, page_size=2)]) == 2


async def test_iterating_ends_at_a_page_without_new_rows(ras: RASClient, router: respx.MockRouter) -> None:
    """Otherwise a backend that ignores the offset and reports many rows would be requested endlessly."""

    def same(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params["offset"])
        return httpx.Response(200, json=page(*numbered(0, 2), total=10**9, limit=2, offset=offset))

    route = router.get(path__startswith="/").mock(side_effect=same)

    assert len([batch async for batch in ras.iter_batches_for_user(TEACHER, page_size=2)]) == 2
    assert route.call_count == 2


async def test_a_user_id_may_have_2048_bytes(ras: RASClient, router: respx.MockRouter) -> None:
    route = router.get(path__startswith="/").respond(json=page())
    await ras.get_batches_for_user("a" * 2048)

    assert route.call_count == 1
