"""One backend as the clients see it: where it is, what each request carries, and what stands between the two."""

from __future__ import annotations

import re
import time
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import httpx

from bff_clients import _events
from bff_clients._breaker import Breaker, BreakerState, Budget, Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bff_clients.config import BackendSettings

_ANY_HEADER: Final = 47
"""zlib's `wbits` for a gzip or a zlib header, whichever is there."""

_JSON: Final = re.compile(r"application/json\s*(?:;.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend answered, its body complete."""

    status_code: int
    content_type: str
    body: bytes
    retry_after: str | None = None

    @property
    def is_json(self) -> bool:
        """Whether the content type says JSON."""
        return _JSON.fullmatch(self.content_type) is not None


class TooLargeError(Exception):
    """The body passed the limit while it arrived."""


class Upstream:
    """One backend, shared by all calls of its client.

    Attributes:
        service: Its Pact name.
        base_url: Where it is.
        settings: How it is called.
        breaker: Turns calls away while it fails.
        gate: Bounds the requests under way to it.
        budget: Bounds the retries.
    """

    def __init__(self, http: httpx.AsyncClient, settings: BackendSettings, *, service: str, base_url: str) -> None:
        self.service = service
        self.base_url = base_url
        self.settings = settings
        self.breaker = Breaker(
            rate=settings.http_breaker_failure_rate,
            window=settings.http_breaker_window_seconds,
            calls=settings.http_breaker_min_calls,
            pause=settings.http_breaker_pause_seconds,
            clock=time.monotonic,
            changed=self._tell,
        )
        self.gate = Gate(in_flight=settings.http_max_in_flight, waiting=settings.http_max_waiting)
        self.budget = Budget(settings.http_retry_budget)
        self._http = http
        self._headers = (
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"X-Internal-API-Key", settings.internal_api_key.get_secret_value().encode()),
            (b"X-Service-ID", settings.service_id.encode()),
        )

    async def fetch(self, target: str, *, correlation_id: str, with_key: bool) -> Answer:
        """Send one GET and read the answer up to the size limit; raises what httpx raises, and `TooLargeError`."""
        identity = self._headers if with_key else self._headers[:2]
        response = await self._http.send(
            # Built here and not by the client, so that neither its base URL nor its cookies, headers or parameters
            # of another backend get in.
            httpx.Request(
                "GET",
                _url(self.base_url + target),
                headers=[*identity, (b"X-Correlation-ID", correlation_id.encode())],
            ),
            stream=True,
            follow_redirects=False,
        )
        # As bytes and once: httpx guesses the encoding anew for each header that is looked up.
        head = {name.lower(): value for name, value in response.headers.raw}
        try:
            body = await _read(response, head, self.settings.http_max_response_bytes)
        finally:
            await response.aclose()
        retry_after = head.get(b"retry-after")
        return Answer(
            response.status_code,
            head.get(b"content-type", b"").decode("latin-1"),
            body,
            None if retry_after is None else retry_after.decode("latin-1"),
        )

    def _tell(self, state: BreakerState) -> None:
        _events.breaker(self.service, state)


@lru_cache(maxsize=1024)
def _url(text: str) -> httpx.URL:
    """Parsing a URL costs more than sending it."""
    return httpx.URL(text)


async def _read(response: httpx.Response, head: Mapping[bytes, bytes], limit: int) -> bytes:
    announced = head.get(b"content-length", b"")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise TooLargeError
    coding = head.get(b"content-encoding", b"identity").strip().lower()
    coded = coding != b"identity" and not response.is_stream_consumed
    chunks: list[bytes] = []
    size = 0
    async for chunk in _inflated(response, coding, limit) if coded else response.aiter_bytes():
        size += len(chunk)
        if size > limit:
            raise TooLargeError
        chunks.append(chunk)
    return b"".join(chunks)


async def _inflated(response: httpx.Response, coding: bytes, limit: int) -> AsyncIterator[bytes]:
    """What a body holds that was compressed although nobody asked for that, no more than a chunk over the limit.

    httpx would inflate all that has arrived before anybody could count it.
    """
    if coding not in {b"gzip", b"x-gzip", b"deflate"}:
        message = f"content coding {coding.decode('latin-1')!r}"
        raise httpx.DecodingError(message)
    decoder = zlib.decompressobj(wbits=_ANY_HEADER)
    try:
        async for chunk in response.aiter_raw():
            yield decoder.decompress(chunk, limit + 1)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
    if not decoder.eof:
        message = "the compressed body is cut off"
        raise httpx.DecodingError(message)
