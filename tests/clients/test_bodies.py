"""The worst bodies of a size are violations, within bounded time and memory."""

import asyncio
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import httpx
import pytest

from bff_clients import BackendSettings, CMSClient, ContractViolation, RASClient
from bff_clients._bodies import read_body
from bff_clients.config import DEFAULT_MAX_RESPONSE_BYTES
from bff_clients.models import MAX_ESSAYS
from bff_clients.testing import make_student_name
from tests.support.golden import Golden
from tests.support.platform import BATCH, KEY, TEACHER, recorded
from tests.support.ras_pages import page, row

pytestmark = pytest.mark.anyio

LIMIT: Final = 100 * DEFAULT_MAX_RESPONSE_BYTES // 128
"""Of a page of 100 rows, the largest answer there is."""
DETAILS_LIMIT: Final = DEFAULT_MAX_RESPONSE_BYTES // 2
NAMES_LIMIT: Final = DEFAULT_MAX_RESPONSE_BYTES // 4
ENTRIES_LIMIT: Final = DEFAULT_MAX_RESPONSE_BYTES // 16

Make = Callable[[], bytes]
"""Makes a body when its test runs: made at import, all of them would be held by every process of the suite."""

SECONDS: Final = 1.0
"""Far more than the 50 ms that it takes, and far less than the minute that it took: no test is about a busy machine."""


def memory(body: bytes) -> int:
    """The most memory in bytes that a wrong body may take: twice its size, plus a constant."""
    return 2 * len(body) + 2**21


def full(unit: bytes, before: bytes, after: bytes, limit: int = LIMIT) -> Make:
    """A body just below the size limit, of as many units as fit."""
    times = (limit - len(before) - len(after)) // (len(unit) + 1)
    return lambda: before + b",".join([unit] * times) + after


def members(before: bytes, after: bytes, limit: int = LIMIT) -> Make:
    """A body just below the size limit, of unknown members."""
    numbers = range(limit // len(b'"0123456":"0123456789",') - 100)
    return lambda: before + b",".join(b'"%07d":"0123456789"' % number for number in numbers) + after


ROWS: Final = b'{"batches":['
PAGINATION: Final = b'],"pagination":{"limit":100,"offset":0,"total":1}}'
ROW: Final = json.dumps(row(user_id=TEACHER)).encode()
NUMBERS: Final = ROW.replace(b'"essay_count": ', b'"essay_count": "x", "y": ')
WRONG_PAGES: Final = [
    pytest.param(full(b"{}", b'{"batches":[', PAGINATION), id="empty-rows"),
    pytest.param(full(b"[]", b'{"batches":[', PAGINATION), id="lists-for-rows"),
    pytest.param(full(b"1", b'{"batches":[', PAGINATION), id="numbers-for-rows"),
    pytest.param(full(b'""', b'{"batches":[', PAGINATION), id="texts-for-rows"),
    pytest.param(full(b'{"a":{}}', b'{"batches":[', PAGINATION), id="nested-rows"),
    pytest.param(full(b'{"batch_id":1}', b'{"batches":[', PAGINATION), id="short-rows"),
    pytest.param(full(NUMBERS, b'{"batches":[', PAGINATION), id="rows-with-one-mistake"),
    pytest.param(full(json.dumps(row()).encode(), b'{"batches":[', PAGINATION), id="good-rows-without-end"),
    pytest.param(full(b"[]", b'{"x":[', PAGINATION), id="a-field-more"),
    pytest.param(full(b'"batches":[{}]', b"{", b"}"), id="the-same-key-again-and-again"),
    pytest.param(members(ROWS + b"{", b"}" + PAGINATION), id="a-row-of-unknown-members"),
    pytest.param(members(ROWS + ROW + b",{", b"}" + PAGINATION), id="a-second-row-of-unknown-members"),
    pytest.param(members(b"{", b"}"), id="a-page-of-unknown-members"),
    pytest.param(members(ROWS + ROW[:-1] + b',"overall_status":{', b"}}" + PAGINATION), id="an-object-for-a-text"),
    pytest.param(full(b'"batch_id":"0123456789"', ROWS + b"{", b"}" + PAGINATION), id="one-member-again-and-again"),
    pytest.param(full(b'"0123456789"', b"[", b"]"), id="texts-for-a-page"),
    pytest.param(full(b'"0123456789"', ROWS + b"[", b"]" + PAGINATION), id="a-list-for-a-row"),
    pytest.param(full(b'"\\u00e5"', b'{"x":[', PAGINATION), id="escaped-texts"),
    pytest.param(full(b"1.2345678901234567e-300", b'{"x":[', PAGINATION), id="long-numbers"),
    pytest.param(full(b"[]", ROWS, PAGINATION, 2**18), id="lists-for-rows-of-a-smaller-body"),
    pytest.param(full(b'{"a":1}', b'{"x":[', b"]}", 2**18), id="a-field-more-of-a-smaller-body"),
    pytest.param(full(b'"":0', ROWS + b"{", b"}" + PAGINATION, 2**14), id="members-of-a-small-body"),
    pytest.param(full(b"{}", ROWS + b'{"x":[', b"]}" + PAGINATION, 2**14), id="objects-in-a-row-of-a-small-body"),
    pytest.param(full(b"[]", ROWS + b'{"x":[', b"]}" + PAGINATION, 2**15), id="lists-in-a-row-of-a-small-body"),
    pytest.param(lambda: b"[" * LIMIT, id="deep"),
    pytest.param(lambda: b'{"a":' * (LIMIT // 5), id="deep-objects"),
    pytest.param(lambda: b"1" * LIMIT, id="a-number-without-end"),
    pytest.param(
        lambda: b'{"batches":[],"pagination":{"limit":' + b"1" * (LIMIT - 100) + b"}}", id="a-limit-without-end"
    ),
    pytest.param(lambda: b'"' + b"\\u0041" * ((LIMIT - 2) // 6) + b'"', id="escapes"),
    pytest.param(lambda: b'"' + b"a" * (LIMIT - 2) + b'"', id="one-text"),
    pytest.param(lambda: b" " * LIMIT, id="blanks"),
    pytest.param(lambda: b"\xff" * LIMIT, id="no-utf-8"),
]


async def refused(call: str, body: bytes) -> tuple[ContractViolation, float, int]:
    """The violation that a body is, the seconds that it took, and the bytes of Python's memory."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body, headers={"Content-Type": "application/json"})

    settings = BackendSettings(internal_api_key=KEY, ras_base_url="http://a.test", cms_base_url="http://a.test")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        ras, cms = RASClient(http, settings), CMSClient(http, settings)
        calls: dict[str, Any] = {
            "page": lambda: ras.get_batches_for_user(TEACHER, limit=100),
            "status": lambda: ras.get_batch_status(BATCH),
            "classes": lambda: cms.get_batch_class_info([BATCH]),
            "validations": lambda: cms.get_batch_validation_status([BATCH]),
            "names": lambda: cms.get_batch_student_names(BATCH),
        }
        tracemalloc.start()
        started = time.process_time()
        with pytest.raises(ContractViolation) as caught:
            await calls[call]()
        seconds = time.process_time() - started
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return caught.value, seconds, peak


@pytest.mark.parametrize("make", WRONG_PAGES)
async def test_a_wrong_page_costs_little(make: Make) -> None:
    body = make()
    violation, seconds, peak = await refused("page", body)

    assert len(violation.detail) < 200
    assert (seconds < SECONDS, peak < memory(body)) == (True, True), (seconds, peak)


DETAILS: Final = json.loads(recorded("ras_batch_status_completed_with_failures").body)


def status_with(essays: bytes) -> Make:
    return full(essays, json.dumps({**DETAILS, "essays": 0}).encode()[:-1] + b',"essays":[', b"]}", DETAILS_LIMIT)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(status_with(b"{}"), id="empty-essays"),
        pytest.param(full(b"{}", b'{"essays":[', b"]}", 2**14), id="essays-alone-in-a-small-body"),
        pytest.param(status_with(b'{"essay_id":1,"last_updated":[]}'), id="short-essays"),
        pytest.param(
            status_with(json.dumps(DETAILS["essays"][0]).replace('"essay_id": "', '"essay_id": 1, "z": "').encode()),
            id="essays-with-one-mistake",
        ),
        pytest.param(status_with(json.dumps(DETAILS["essays"][0]).encode()), id="essays-without-end"),
    ],
)
async def test_a_wrong_status_costs_little(make: Make) -> None:
    body = make()
    _, seconds, peak = await refused("status", body)

    assert (seconds < SECONDS, peak < memory(body)) == (True, True), (seconds, peak)


NAME: Final = make_student_name(first_name="Fatima").model_dump_json().encode()


def names(unit: bytes, before: bytes = b"[", after: bytes = b"]") -> Make:
    return full(unit, before, after, NAMES_LIMIT)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(names(b"{}"), id="empty-rows"),
        pytest.param(names(b"[]"), id="lists-for-rows"),
        pytest.param(names(b'{"student_person_name":{}}'), id="empty-names"),
        pytest.param(names(NAME), id="more-names-than-a-batch-has-essays"),
        pytest.param(names(NAME.replace(b'"last_name":', b'"last_name":1,"x":')), id="names-with-one-mistake"),
        pytest.param(members(b"[" + NAME + b",{", b"}]", NAMES_LIMIT), id="a-row-of-unknown-members"),
        pytest.param(members(b"{", b"}", NAMES_LIMIT), id="a-map"),
    ],
)
async def test_a_wrong_list_of_names_costs_little_and_shows_none(make: Make) -> None:
    body = make()
    violation, seconds, peak = await refused("names", body)

    assert "Fatima" not in violation.detail
    assert (seconds < SECONDS, peak < memory(body)) == (True, True), (seconds, peak)


async def test_as_many_names_as_a_batch_may_have_essays_are_read() -> None:
    body = json.dumps([make_student_name(number).model_dump() for number in range(MAX_ESSAYS)])
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, content=body, headers={"Content-Type": "application/json"})
    )

    async with httpx.AsyncClient(transport=transport) as http:
        found = await CMSClient(http, BackendSettings(internal_api_key=KEY)).get_batch_student_names(BATCH)

    assert len(found) == MAX_ESSAYS


@pytest.mark.parametrize("call", ["classes", "validations"])
@pytest.mark.parametrize(
    "entry",
    [
        b"{}",
        b"null",
        b"1",
        b'{"class_id":"x","class_name":"y"}',
        b'{"batch_id":1,"deviation_count":[],"x":"yyyyyyyyyy"}',
    ],
    ids=["empty", "null", "number", "class", "validation"],
)
async def test_unrequested_entries_cost_little(call: str, entry: bytes) -> None:
    size = len(entry) + 40
    keys = (f"{number:08x}{BATCH[8:]}" for number in range(ENTRIES_LIMIT // size))
    body = b"{" + b",".join(b'"%b":%b' % (key.encode(), entry) for key in keys) + b"}"
    violation, seconds, peak = await refused(call, body)

    assert len(violation.detail) < 200
    assert (seconds < SECONDS, peak < memory(body)) == (True, True), (seconds, peak)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can reset the peak of a process's memory")
@pytest.mark.parametrize(
    ("body", "times"),
    [
        ("objects of one member that nobody reads, 0.25 MiB", 1),
        ("a list of names for a page", 1),
        ("a row of members that nobody reads", 1),
    ],
)
def test_of_the_process_a_wrong_body_takes_little_memory(body: str, times: float) -> None:
    command = [sys.executable, "-m", "benchmarks.bodies", "--one", "ours", body]
    found = subprocess.run(  # noqa: S603  # our own program
        command, check=True, capture_output=True, text=True
    ).stdout

    assert float(found.strip().split(", ")[1].removesuffix("x")) < times, found


async def test_a_full_page_of_100_rows_with_many_essays_is_read() -> None:
    essays = [DETAILS["essays"][0]] * 50
    body = json.dumps(page(*(row(essays=essays) for _ in range(100)), limit=100), separators=(",", ":")).encode()

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body, headers={"Content-Type": "application/json"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        found = await RASClient(http, BackendSettings(internal_api_key=KEY)).get_batches_for_user(TEACHER, limit=100)

    assert (len(found.batches), 1_500_000 < len(body) < LIMIT) == (100, True)


@pytest.mark.parametrize(
    ("limit", "offset", "shown"),
    [
        pytest.param(5, 0, page(*[row()] * 30, limit=5), id="30-rows-for-5"),
        pytest.param(5, 0, page(*[row()] * 101, limit=5), id="101-rows"),
        pytest.param(5, 0, page(limit=-1, offset=-7, total=-5), id="negative"),
        pytest.param(5, 0, page(limit=5, total=-5), id="negative-total"),
        pytest.param(5, 0, page(limit=6), id="another-limit"),
        pytest.param(5, 10, page(limit=5), id="offset-ignored"),
    ],
)
async def test_a_page_that_was_not_requested_is_a_violation(
    limit: int, offset: int, shown: dict[str, Any], golden: Golden
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=shown))
    async with httpx.AsyncClient(transport=transport) as http:
        client = RASClient(http, BackendSettings(internal_api_key=KEY))
        with pytest.raises(ContractViolation) as caught:
            await client.get_batches_for_user(TEACHER, limit=limit, offset=offset)

    golden.check(caught.value.detail)


async def test_a_byte_order_mark_before_json_is_a_violation() -> None:
    violation, _, _ = await refused("page", b"\xef\xbb\xbf" + json.dumps(page()).encode())

    assert violation.detail.endswith("body: json_invalid")


async def in_small_chunks(times: int) -> AsyncIterator[bytes]:
    """A body that has arrived: there is nothing to wait for between its chunks."""
    for _ in range(times):
        yield b"  "


async def test_a_body_of_very_many_chunks_leaves_time_for_other_tasks() -> None:
    turns = 0

    async def takes_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(takes_turns())
    await read_body(in_small_chunks(10_000), coding=b"identity", announced=b"", limit=LIMIT)
    other.cancel()

    assert turns > 10


async def test_a_body_of_very_many_chunks_takes_no_more_memory_than_one_of_few() -> None:
    tracemalloc.start()
    await read_body(in_small_chunks(100_000), coding=b"identity", announced=b"", limit=LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2.5 * 200_000  # the parts, and the body that they are joined to


MIB: Final = 2**20


@pytest.mark.parametrize(
    ("setting", "call", "limit"),
    [
        pytest.param(4 * MIB, "page of 1", MIB, id="page"),
        pytest.param(4 * MIB, "page of 64", 2 * MIB, id="page-of-many"),
        pytest.param(4 * MIB, "details", 2 * MIB, id="details"),
        pytest.param(4 * MIB, "classes", MIB // 4, id="classes"),
        pytest.param(4 * MIB, "ping", MIB // 4, id="ping"),
        pytest.param(MIB // 2, "page of 1", MIB // 2, id="lower-than-the-part"),
        pytest.param(MIB // 2, "classes", MIB // 4, id="lower-than-another-part"),
        pytest.param(8 * MIB, "classes", MIB // 2, id="higher"),
    ],
)
async def test_an_answer_may_be_as_long_as_its_endpoint_needs(setting: int, call: str, limit: int) -> None:
    contents: dict[str, Any] = {
        "page of 1": page(limit=1),
        "page of 64": page(limit=64),
        "details": {**DETAILS, "batch_id": BATCH},
        "classes": {BATCH: None},
        "ping": {},
    }
    body = json.dumps(contents[call]).encode()
    sizes = iter((limit, limit + 1))

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body.ljust(next(sizes)), headers={"Content-Type": "application/json"})

    settings = BackendSettings(internal_api_key=KEY, http_max_response_bytes=setting)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        ras, cms = RASClient(http, settings), CMSClient(http, settings)
        calls: dict[str, Any] = {
            "page of 1": lambda: ras.get_batches_for_user(TEACHER, limit=1),
            "page of 64": lambda: ras.get_batches_for_user(TEACHER, limit=64),
            "details": lambda: ras.get_batch_status(BATCH),
            "classes": lambda: cms.get_batch_class_info([BATCH]),
            "ping": cms.ping,
        }
        await calls[call]()
        with pytest.raises(ContractViolation):
            await calls[call]()
