"""A call that is cancelled, closed or interrupted at any of its awaits takes nothing with it."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

import httpx
import pytest

from bff_clients import AuthenticationRejected, Batch, CMSClient, RASClient, create_http_client
from tests.clients.calling import UNKNOWN, settings_for
from tests.support.platform import BATCH
from tests.support.ras_pages import page, row
from tests.support.transports import ok, server

IDS = [f"{number:08x}{BATCH[8:]}" for number in range(250)]


class StopError(BaseException):
    """Ends the process, as `KeyboardInterrupt` does; the test's own, so that it ends no test run."""


def answer(request: bytes) -> bytes:
    params = httpx.URL(request.split()[1].decode()).params
    if "batch_ids" in params:
        return ok(json.dumps(dict.fromkeys(params["batch_ids"].split(","))).encode())
    if "limit" in params:
        limit, offset = int(params["limit"]), int(params["offset"])
        rows = [row(batch_id=IDS[at], user_id="anna") for at in range(offset, 3)][:limit]
        return ok(json.dumps(page(*rows, total=3, limit=limit, offset=offset)).encode())
    return ok(b"{}") if b"/healthz " in request else UNKNOWN


async def all_rows(ras: RASClient, **arguments: Any) -> None:
    _ = [row async for row in ras.iter_batches_for_user("anna", page_size=1, **arguments)]


CALLS: dict[str, Callable[[RASClient], Coroutine[Any, Any, object]]] = {
    "one": lambda ras: ras.get_batch_status(BATCH),
    "rows": all_rows,
    "merged-rows": lambda ras: all_rows(ras, status="processing"),
}


class Ended:
    """A call that ends at one of its awaits: by an exception there, or because it is closed."""

    def __init__(self, call: Coroutine[Any, Any, object], at: int, end: type[BaseException]) -> None:
        self._awaits = call.__await__()
        self._at = at
        self._end = end

    @coroutine
    def run(self) -> Generator[Any, Any, BaseException | None]:
        """Return what it raises, or nothing if it was over before."""
        at = 0
        try:
            awaited = self._awaits.send(None)
            while True:
                if at == self._at and self._end is GeneratorExit:
                    self._awaits.close()  # what happens to a coroutine that is dropped
                    return GeneratorExit()
                if at == self._at:
                    awaited = self._awaits.throw(self._end())
                yield awaited
                at += 1
                awaited = self._awaits.send(None)
        except StopIteration:
            return None
        except BaseException as error:  # noqa: BLE001
            return error


def ignore(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    del context


@pytest.mark.parametrize("end", [asyncio.CancelledError, GeneratorExit, StopError])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_ends_at_any_await_keeps_no_place_among_the_requests(call: str, end: type[BaseException]) -> None:
    async def ends_at_each() -> int:
        asyncio.get_running_loop().set_exception_handler(ignore)  # nobody awaits the futures of an ended call
        async with server(answer) as serving:
            settings = settings_for(serving.url, cms_base_url=serving.url, http_max_in_flight=1)
            async with create_http_client(settings) as http:
                ras = RASClient(http, settings)
                await ras.ping()  # asyncio itself does not clean up a connection whose opening ends in this way
                at = 0
                while (error := await Ended(CALLS[call](ras), at, end).run()) is not None:
                    at += 1
                    assert type(error) is end
                    assert await ras.get_batch_status(BATCH) is None, f"after it ended at its await {at}"
        return at

    assert asyncio.run(ends_at_each())


@pytest.mark.parametrize("status", [None, "processing"], ids=["one-list", "several"])
@pytest.mark.anyio
async def test_two_tasks_cannot_read_one_iteration_at_once(status: str | None) -> None:
    async with server(answer) as serving:
        settings = settings_for(serving.url)
        async with create_http_client(settings) as http:
            rows = RASClient(http, settings).iter_batches_for_user("anna", status=status)
            found = await asyncio.gather(anext(rows), anext(rows), return_exceptions=True)

    assert [type(one) for one in found] == [Batch, RuntimeError]


@pytest.mark.anyio
async def test_what_ends_the_process_in_one_part_of_a_call_comes_alone() -> None:
    def stops(_: httpx.Request) -> httpx.Response:
        raise StopError

    async with httpx.AsyncClient(transport=httpx.MockTransport(stops)) as http:
        with pytest.raises(StopError):
            await CMSClient(http, settings_for()).get_batch_class_info(IDS)


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["parts", "merged"])
async def test_a_timeout_around_a_call_that_failed_stays_a_timeout(call: str) -> None:
    async def ends_in_a_timeout(http: httpx.AsyncClient) -> None:
        ras, cms = RASClient(http, settings_for()), CMSClient(http, settings_for())
        async with asyncio.timeout(None) as outer:
            with pytest.raises(AuthenticationRejected):
                await (
                    cms.get_batch_class_info(IDS)
                    if call == "parts"
                    else ras.get_batches_for_user("anna", status="processing")
                )
            outer.reschedule(0)
            await asyncio.Event().wait()

    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(403))) as http:
        with pytest.raises(TimeoutError):
            await ends_in_a_timeout(http)


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_waits_for_the_end_of_its_parts() -> None:
    under_way: set[object] = set()

    async def waits(request: httpx.Request) -> httpx.Response:
        under_way.add(request)
        try:
            return await asyncio.Future[httpx.Response]()
        finally:
            await asyncio.sleep(0)
            under_way.remove(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(waits)) as http:
        call = asyncio.create_task(CMSClient(http, settings_for()).get_batch_class_info(IDS))
        while len(under_way) < 3:  # noqa: ASYNC110  # of 100 ids each
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert not under_way
