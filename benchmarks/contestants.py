"""The measured clients: plain httpx, this package's on both transports, others, raw aiohttp, and a lower bound."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, cast
from urllib.parse import urlsplit

import aiohttp
import httpx
import msgspec
from pydantic import BaseModel, SecretStr, TypeAdapter

from benchmarks.client_server import CHUNK
from bff_clients import BackendSettings, CMSClient, RASClient, create_http_client
from bff_clients.models import BatchPage, ClassInfo

KEY: Final = "INJECTED-AT-VERIFICATION"
HEADERS: Final = {
    "X-Internal-API-Key": KEY,
    "X-Service-ID": "bff-teacher-service",
    "X-Correlation-ID": "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d99",
    "Accept": "application/json",
}
PAGE: Final = "/internal/v1/batches/user/"
CLASSES: Final = "/internal/v1/batches/class-info"


_PAGE: Final = TypeAdapter(BatchPage)
_MAP: Final = TypeAdapter(dict[str, ClassInfo | None])


class NaiveEssay(BaseModel):
    """An essay with all its fields, as one writes it down without thinking of the cost."""

    essay_id: str
    filename: str | None
    file_upload_id: str | None
    spellcheck_status: str | None
    spellcheck_correction_count: int | None
    spellcheck_corrected_text_storage_id: str | None
    spellcheck_error_detail: dict[str, Any] | None
    cj_assessment_status: str | None
    cj_rank: int | None
    cj_score: float | None
    cj_assessment_error_detail: dict[str, Any] | None
    last_updated: datetime


class NaiveBatch(BaseModel):
    """A batch with its essays."""

    batch_id: str
    user_id: str
    assignment_id: str | None
    overall_status: str
    essay_count: int
    completed_essay_count: int
    failed_essay_count: int
    requested_pipeline: str | None
    current_phase: str | None
    created_at: datetime
    last_updated: datetime
    processing_started_at: datetime | None
    processing_completed_at: datetime | None
    essays: list[NaiveEssay]


class NaiveClass(BaseModel):
    """A class."""

    class_id: str
    class_name: str


class FloorBatch(msgspec.Struct):
    """What the BFF reads of a batch, unchecked but for its types."""

    batch_id: str
    user_id: str
    assignment_id: str | None
    overall_status: str
    essay_count: int
    completed_essay_count: int
    failed_essay_count: int
    requested_pipeline: str | None
    current_phase: str | None
    created_at: str
    last_updated: str
    processing_started_at: str | None
    processing_completed_at: str | None


class FloorPage(msgspec.Struct):
    """A page of them."""

    batches: list[FloorBatch]
    pagination: dict[str, int]


@dataclass
class Contestant:
    """One way to ask: for a page, and for classes."""

    page: Callable[[str, int], Awaitable[object]]
    classes: Callable[[Sequence[str]], Awaitable[object]]


async def naive_httpx(url: str, stack: AsyncExitStack) -> Contestant:
    """Plain httpx."""
    return naive(await stack.enter_async_context(httpx.AsyncClient()), url)


async def keeping_httpx(url: str, stack: AsyncExitStack) -> Contestant:
    """Plain httpx that keeps more idle connections than its 20."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200, keepalive_expiry=3600)
    return naive(await stack.enter_async_context(httpx.AsyncClient(limits=limits)), url)


def naive(client: httpx.AsyncClient, url: str) -> Contestant:
    """What one writes down without thinking of the cost."""

    async def page(user: str, offset: int) -> object:
        response = await client.get(url + PAGE + user, params={"limit": 20, "offset": offset}, headers=HEADERS)
        return [NaiveBatch.model_validate(each) for each in response.json()["batches"]]

    async def chunk(ids: Sequence[str]) -> dict[str, object]:
        response = await client.get(url + CLASSES, params={"batch_ids": ",".join(ids)}, headers=HEADERS)
        return {name: each and NaiveClass.model_validate(each) for name, each in response.json().items()}

    return Contestant(page, in_chunks(chunk))


async def ours(transport: str, url: str, stack: AsyncExitStack) -> Contestant:
    """This package."""
    settings = BackendSettings.model_validate(
        {
            "internal_api_key": SecretStr(KEY),
            "ras_base_url": url,
            "cms_base_url": url,
            "http_transport": transport,
            "http_max_in_flight": 100,
        }
    )
    http = await stack.enter_async_context(create_http_client(settings))
    ras, cms = RASClient(http, settings), CMSClient(http, settings)

    async def page(user: str, offset: int) -> object:
        return await ras.get_batches_for_user(user, offset=offset)

    return Contestant(page, cms.get_batch_class_info)


async def httpx2(url: str, stack: AsyncExitStack) -> Contestant:
    """The successor of httpx, with the decoding of ours."""
    module: Any = import_module("httpx2")
    return decoding_as_ours(await stack.enter_async_context(module.AsyncClient()), url)


async def httpx_aiohttp(url: str, stack: AsyncExitStack) -> Contestant:
    """Another transport of httpx over aiohttp, with the decoding of ours."""
    module: Any = import_module("httpx_aiohttp")
    client = httpx.AsyncClient(transport=module.AiohttpTransport())
    return decoding_as_ours(await stack.enter_async_context(client), url)


def decoding_as_ours(client: Any, url: str) -> Contestant:
    """Plain calls of a client, decoded from the bytes into our models."""

    async def page(user: str, offset: int) -> object:
        answer = await client.get(f"{url}{PAGE}{user}?limit=20&offset={offset}", headers=HEADERS)
        return _PAGE.validate_json(answer.content)

    async def chunk(ids: Sequence[str]) -> dict[str, object]:
        answer = await client.get(f"{url}{CLASSES}?batch_ids={','.join(ids)}", headers=HEADERS)
        return dict(_MAP.validate_json(answer.content))

    return Contestant(page, in_chunks(chunk))


async def raw_aiohttp(url: str, stack: AsyncExitStack) -> Contestant:
    """Plain aiohttp, with the decoding of ours."""
    session = await stack.enter_async_context(aiohttp.ClientSession(headers=HEADERS))

    async def page(user: str, offset: int) -> object:
        async with session.get(f"{url}{PAGE}{user}?limit=20&offset={offset}") as response:
            return _PAGE.validate_json(await response.read())

    async def chunk(ids: Sequence[str]) -> dict[str, object]:
        async with session.get(f"{url}{CLASSES}?batch_ids={','.join(ids)}") as response:
            return dict(_MAP.validate_json(await response.read()))

    return Contestant(page, in_chunks(chunk))


async def floor(url: str, stack: AsyncExitStack) -> Contestant:
    """The lower bound."""
    http = Floor(url)
    stack.callback(http.close)
    pages, maps = msgspec.json.Decoder(FloorPage), msgspec.json.Decoder(dict[str, dict[str, str] | None])

    async def page(user: str, offset: int) -> object:
        return pages.decode(await http.get(f"{PAGE}{user}?limit=20&offset={offset}"))

    async def chunk(ids: Sequence[str]) -> dict[str, object]:
        return dict(maps.decode(await http.get(f"{CLASSES}?batch_ids={','.join(ids)}")))

    return Contestant(page, in_chunks(chunk))


def in_chunks(
    ask: Callable[[Sequence[str]], Awaitable[dict[str, object]]],
) -> Callable[[Sequence[str]], Awaitable[object]]:
    """The same chunks as the client's, as many at a time."""

    async def classes(ids: Sequence[str]) -> object:
        turns = asyncio.Semaphore(4)

        async def turn(chunk: Sequence[str]) -> dict[str, object]:
            async with turns:
                return await ask(chunk)

        chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
        return dict(itertools.chain.from_iterable(found.items() for found in await asyncio.gather(*map(turn, chunks))))

    return classes


class Floor:
    """A GET and nothing else: no errors, no limits, a body with a length."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._idle: list[FloorConnection] = []
        self._head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())

    async def get(self, target: str) -> bytes:
        """The body of an answer."""
        connection = self._idle.pop() if self._idle else await self._connect()
        answer = asyncio.get_running_loop().create_future()
        connection.ask(f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n{self._head}\r\n".encode(), answer)
        body: bytes = await answer
        self._idle.append(connection)
        return body

    async def _connect(self) -> "FloorConnection":
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(FloorConnection, self._host, self._port))[1]

    def close(self) -> None:
        """Close all connections."""
        for connection in self._idle:
            connection.transport.close()


class FloorConnection(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, answer: asyncio.Future[bytes]) -> None:
        """Send a request."""
        self._answer, self._got, self._wanted = answer, bytearray(), -1
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Gather until the length is reached."""
        self._got += data
        if self._wanted < 0:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._got[:end]).lower()
            self._start = end + 4
            self._wanted = self._start + int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(self._got) >= self._wanted:
            self._answer.set_result(bytes(memoryview(self._got)[self._start :]))


Connect = Callable[[str, AsyncExitStack], Awaitable[Contestant]]
"""Connects a contestant to a server's URL until the stack is closed."""

CONTESTANTS: Final[Mapping[str, Connect]] = {
    "naive httpx": naive_httpx,
    "ours on httpx": partial(ours, "httpx"),
    "ours": partial(ours, "aiohttp"),
    **({"httpx2": httpx2} if find_spec("httpx2") else {}),
    **({"httpx-aiohttp": httpx_aiohttp} if find_spec("httpx_aiohttp") else {}),
    "raw aiohttp": raw_aiohttp,
    "floor": floor,
}
"""Those that are installed."""

KEEPING: Final[Mapping[str, Connect]] = {
    "naive httpx, keeping 200": keeping_httpx,
    **{name: CONTESTANTS[name] for name in ("ours", "raw aiohttp", "floor")},
}
"""Those that keep a hundred idle connections."""
