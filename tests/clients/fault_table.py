"""Makes every fault of a backend on a real socket, and writes its error as a row of docs/reliability.md."""

import asyncio
import gzip
import json
import logging
import ssl
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import trustme

from bff_clients import BackendError, BackendSettings, BackendUnavailable, RASClient, create_http_client
from tests.support.misbehaving import (
    Behaviour,
    drips,
    floods,
    hangs,
    head,
    misbehaving_server,
    resets_in_the_body,
    says,
)
from tests.support.platform import KEY, TEACHER
from tests.support.ras_pages import page, row

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD: Final = "| fault | the caller gets | when | requests | logged |\n|---|---|---|---:|---|\n"
LOGGER: Final = logging.getLogger("bff_clients")


def untrusted() -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    return tls


async def after_a_failure(client: RASClient) -> None:
    """Let the breaker open."""
    try:
        await client.ping()
    except BackendError:
        return


async def after_the_end(client: RASClient) -> None:
    """Close the HTTP client."""
    await client._upstream._http.aclose()  # pyright: ignore[reportPrivateUsage]


async def beside_another(client: RASClient) -> None:
    """Take the only place that there is."""
    tasks.add(asyncio.create_task(client.ping()))
    await asyncio.sleep(0.05)


tasks: set[asyncio.Task[None]] = set()


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: What the table calls it.
        behave: What the backend does.
        url: Where it is asked for, if that is somewhere else.
        settings: Of the client.
        first: What happens before the call in the table.
    """

    name: str
    behave: Behaviour = hangs
    url: str | None = None
    tls: bool = False
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    first: Callable[[RASClient], Awaitable[None]] | None = None

    async def row(self) -> str:
        """Make the fault, and format its error as a row."""
        asked = 0

        async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            await self.behave(reader, writer)

        async with misbehaving_server(counted, tls=untrusted() if self.tls else None) as port:
            scheme = "https" if self.tls else "http"
            async with _client(self.url or f"{scheme}://127.0.0.1:{port}", self.settings) as client:
                if self.first is not None:
                    await self.first(client)
                asked = 0
                error, events = await _failure(client)
                for task in tasks:
                    task.cancel()
                tasks.clear()
        reason = f", `{error.reason}`" if isinstance(error, BackendUnavailable) else ""
        logged = ", ".join(f"{name} ×{times}" if times > 1 else name for name, times in events.items())  # noqa: RUF001
        return f"| {self.name} | `{type(error).__name__}`{reason} | {_when(error, events)} | {asked} | {logged} |\n"


def _when(error: BackendError, events: Counter[str]) -> str:
    if isinstance(error, BackendUnavailable) and error.reason == "timeout":
        return "at the deadline"
    return "after the retries" if events["retry"] else "at once"


@asynccontextmanager
async def _client(url: str, settings: dict[str, Any]) -> AsyncGenerator[RASClient]:
    chosen = BackendSettings.model_validate(
        {
            "internal_api_key": KEY,
            "ras_base_url": url,
            "http_client_timeout_seconds": 2.0,
            "http_retry_backoff_seconds": 0.01,
            "http_max_response_bytes": 200_000,
            **settings,
        }
    )
    async with create_http_client(chosen) as http:
        yield RASClient(http, chosen)


async def _failure(client: RASClient) -> tuple[BackendError, Counter[str]]:
    events: Counter[str] = Counter()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            events[str(getattr(record, "event", ""))] += 1

    listener, level = Listener(), LOGGER.level
    LOGGER.addHandler(listener)
    LOGGER.setLevel(logging.INFO)
    try:
        await client.get_batches_for_user(TEACHER)
    except BackendError as error:
        return error, events
    finally:
        LOGGER.removeHandler(listener)
        LOGGER.setLevel(level)
    raise AssertionError("the call went well")


def status(line: str, **headers: str) -> Behaviour:
    return says(head(line, Content_Length="0", **headers))


MEMBERS: Final = b",".join(b'"%05d": ""' % number for number in range(10_000))
SLOW: Final = {"http_client_timeout_seconds": 0.3}

FAULTS: Final = (
    Fault("connection refused", url="http://127.0.0.1:1"),
    Fault("unknown host", url="http://no.invalid"),
    Fault("an untrusted certificate", tls=True),
    Fault("closed without a response", says(b"")),
    Fault("another protocol than HTTP", says(b"SSH-2.0-OpenSSH\r\n")),
    Fault("connection lost in the body", resets_in_the_body),
    Fault("1xx responses without end", says(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)),
    Fault("a status below 200 that no response follows", says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")),
    Fault("a status that is not a number of three digits", says(b"HTTP/1.1 1000 Many\r\n\r\n")),
    Fault("a body shorter than its `Content-Length`", says(head(Content_Length="50") + b"{}")),
    Fault("a body longer than its `Content-Length`", says(head(Content_Length="2") + b"{}{}")),
    Fault("no response", hangs, settings=SLOW),
    Fault("a byte from time to time", drips, settings=SLOW),
    Fault("500", status("500 Oops")),
    Fault("501, or any other status from 505 to 999", status("999 Odd")),
    Fault("502, 503 or 504", status("503 Busy")),
    Fault("503 with `Retry-After: 0`", status("503 Busy", Retry_After="0")),
    Fault("503 with a `Retry-After` over the limit", status("503 Busy", Retry_After="60")),
    Fault("503 with a `Retry-After` that is no date", status("503 Busy", Retry_After="Fri, 31 Dec 99999 23:59:59 GMT")),
    Fault("600 to 999", status("999 Unknown")),
    Fault("429", status("429 Too Many")),
    Fault(
        "503 with an endless body, or one that cannot be decompressed",
        says(head("503 Busy", Content_Encoding="br") + b"x"),
    ),
    Fault("408", status("408 Timeout")),
    Fault("401 or 403", status("401 No")),
    Fault("401 or 403, and the connection lost in the body", says(head("401 No", Content_Length="50") + b"{")),
    Fault("404, and the connection lost in the body", says(head("404 Not Found", Content_Length="50") + b"{")),
    Fault("404 for an unknown endpoint", status("404 Not Found")),
    Fault("any other 4xx", status("400 Bad Request")),
    Fault("a redirect", status("302 Found", Location="http://127.0.0.1:9/")),
    Fault("304, or any other 3xx", says(head("304 Not Modified"))),
    Fault("200 without a body", status("200 OK")),
    Fault("204", says(head("204 No Content"))),
    Fault("205, 206, or any other 2xx than 200", says(head("206 Partial Content") + json.dumps(page()).encode())),
    Fault("HTML", says(head(content_type="text/html") + b"<h1>Hi</h1>")),
    Fault("broken JSON", says(head() + b"{]")),
    Fault("JSON outside the contract", says(head() + b"{}")),
    Fault("a list of ten thousand wrong rows", says(head() + b'{"batches": [' + b"{}," * 10_000 + b"{}]}")),
    Fault("a row of ten thousand unknown members", says(head() + b'{"batches": [{' + MEMBERS + b"}]}")),
    Fault("a text of the size limit where a row should be", says(head() + b'{"batches": ["' + b" " * 199_000 + b'"]}')),
    Fault("more rows than requested", says(head() + json.dumps(page(*[row()] * 30)).encode())),
    Fault("another page than the requested one", says(head() + json.dumps(page(offset=7)).encode())),
    Fault("a byte order mark before the JSON", says(head() + b"\xef\xbb\xbf" + json.dumps(page()).encode())),
    Fault("broken gzip", says(head(Content_Encoding="gzip") + b"no gzip")),
    Fault("several gzip members, or bytes after one", says(head(Content_Encoding="gzip") + gzip.compress(b"{}") * 2)),
    Fault("raw deflate", says(head(Content_Encoding="deflate") + zlib.compress(b"{}")[2:-4])),
    Fault("a gzip bomb", says(head(Content_Encoding="gzip") + gzip.compress(b" " * 10**6))),
    Fault("a body without end", floods),
    Fault("the breaker is open", status("500 Oops"), settings={"http_breaker_min_calls": 1}, first=after_a_failure),
    Fault("the HTTP client was closed", first=after_the_end),
    Fault(
        "the queue is full",
        hangs,
        settings={"http_max_in_flight": 1, "http_max_waiting": 0},
        first=beside_another,
    ),
)


async def main() -> None:
    """Write the table into the page, in the place of the one that is there."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(HEAD)
    after = rest[rest.index("\n\n") :]
    rows = [await fault.row() for fault in FAULTS]
    PAGE.write_text(f"{before}{HEAD}{''.join(rows).rstrip()}{after}", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
