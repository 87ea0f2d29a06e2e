"""The one way a request takes to a backend: headers, deadline, size limit, and errors in our own words."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from bff_clients._ids import correlation_id_or_new
from bff_clients.errors import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContractViolation,
    UnavailableReason,
)

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from bff_clients.config import BackendSettings

T = TypeVar("T")

_JSON: Final = re.compile(r"application/json\s*(?:;.*)?", re.IGNORECASE)
_SHOWN_VIOLATIONS: Final = 3
"""How many places of a bad body a message names; a whole page of them would hide the first."""


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


class _TooLargeError(Exception):
    """The body passed the limit while it arrived."""


class Backend:
    """One backend as a client sees it: where it is, and what each request to it carries."""

    def __init__(self, http: httpx.AsyncClient, settings: BackendSettings, *, service: str, base_url: str) -> None:
        self.base_url = base_url
        self.service = service
        self._http = http
        self._settings = settings
        self._headers = (
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"X-Internal-API-Key", settings.internal_api_key.get_secret_value().encode()),
            (b"X-Service-ID", settings.service_id.encode()),
        )

    def call(self, operation: str, correlation_id: str | UUID | None) -> Call:
        """Begin a call of a client method; all its requests share a deadline and a correlation id.

        Raises:
            ValueError: The correlation id is not a UUID.
        """
        return Call(self, operation, correlation_id_or_new(correlation_id), self._settings.http_client_timeout_seconds)

    async def fetch(self, target: str, *, correlation_id: str) -> Answer:
        """Send one GET and read the answer up to the size limit; raises what httpx raises."""
        response = await self._http.send(
            # Built here and not by the client, so that neither its base URL nor its cookies, headers or parameters
            # of another backend get in.
            httpx.Request(
                "GET",
                _url(self.base_url + target),
                headers=[*self._headers, (b"X-Correlation-ID", correlation_id.encode())],
            ),
            stream=True,
            follow_redirects=False,
        )
        # As bytes and once: httpx guesses the encoding anew for each header that is looked up.
        head = {name.lower(): value for name, value in response.headers.raw}
        try:
            body = await _read(response, head.get(b"content-length", b""), self._settings.http_max_response_bytes)
        finally:
            await response.aclose()
        retry_after = head.get(b"retry-after")
        return Answer(
            response.status_code,
            head.get(b"content-type", b"").decode("latin-1"),
            body,
            None if retry_after is None else retry_after.decode("latin-1"),
        )


@lru_cache(maxsize=1024)
def _url(text: str) -> httpx.URL:
    """Parsing a URL costs more than sending it."""
    return httpx.URL(text)


async def _read(response: httpx.Response, announced: bytes, limit: int) -> bytes:
    if announced.isdigit() and int(announced[:20]) > limit:
        raise _TooLargeError
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > limit:
            raise _TooLargeError
        chunks.append(chunk)
    return b"".join(chunks)


class Call:
    """One call of a client method: a deadline over all its requests, and the data that its errors carry."""

    def __init__(self, backend: Backend, operation: str, correlation_id: str, timeout: float) -> None:
        self._backend = backend
        self.operation = operation
        self.correlation_id = correlation_id
        self._timeout = timeout
        self._deadline = asyncio.timeout(None)

    async def __aenter__(self) -> Self:
        self._deadline = asyncio.timeout(self._timeout)
        await self._deadline.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._deadline.__aexit__(kind, error, trace)
        except TimeoutError as expired:
            raise self._timed_out(f"no answer within {self._timeout:g} s") from expired

    async def get(self, target: str) -> Answer:
        """Send one GET.

        Raises:
            BackendUnavailable: There was no whole answer.
            ContractViolation: The body is over the size limit or cannot be decompressed.
        """
        try:
            return await self._backend.fetch(target, correlation_id=self.correlation_id)
        except httpx.TimeoutException as error:
            raise self._timed_out(f"no answer in time ({type(error).__name__})") from error
        except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
            raise self._unavailable("no connection", reason="connect") from error
        except (httpx.DecodingError, _TooLargeError) as error:
            what = "body over the size limit" if isinstance(error, _TooLargeError) else "body cannot be decompressed"
            raise self.violation(what) from error
        except httpx.HTTPError as error:
            raise self._unavailable(f"connection lost ({type(error).__name__})", reason="disconnect") from error

    def decode(self, answer: Answer, adapter: TypeAdapter[T]) -> T:
        """Read a 200's body into a model.

        Raises:
            BackendError: Any other status, by what the caller can do about it.
            ContractViolation: A 2xx that the contract does not allow.
        """
        if not 200 <= answer.status_code < 300:  # noqa: PLR2004
            raise self._refusal(answer)
        if answer.status_code != 200:  # noqa: PLR2004
            raise self.violation(f"status {answer.status_code} instead of 200", answer.status_code)
        if not answer.is_json:
            raise self.violation("content type is not application/json", answer.status_code)
        try:
            return adapter.validate_json(answer.body)
        except ValidationError as error:
            raise self.violation(_places(error), answer.status_code) from error

    def violation(self, detail: str, status_code: int | None = None) -> ContractViolation:
        """Make the error for a 2xx that the contract does not allow."""
        return ContractViolation(
            detail,
            service=self._backend.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
            status_code=status_code,
        )

    def _refusal(self, answer: Answer) -> BackendError:
        status = answer.status_code
        if status >= 500 or status in {408, 429}:  # noqa: PLR2004
            return self._unavailable(
                f"status {status}", reason="status", status_code=status, retry_after=_seconds(answer.retry_after)
            )
        kind = AuthenticationRejected if status in {401, 403} else BackendRejected
        return kind(
            f"status {status}",
            service=self._backend.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
            status_code=status,
        )

    def _unavailable(
        self,
        detail: str,
        *,
        reason: UnavailableReason,
        status_code: int | None = None,
        retry_after: float | None = None,
    ) -> BackendUnavailable:
        return BackendUnavailable(
            detail,
            reason=reason,
            service=self._backend.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
            status_code=status_code,
            retry_after=retry_after,
        )

    def _timed_out(self, detail: str) -> BackendTimeout:
        return BackendTimeout(
            detail,
            reason="timeout",
            service=self._backend.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
        )


def _seconds(retry_after: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or an HTTP date; `None` for anything else."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _places(error: ValidationError) -> str:
    """Say where a body breaks the contract and how, never what it held."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    shown = "; ".join(
        f"{'.'.join(str(step) for step in entry['loc']) or 'body'}: {entry['type']}"
        for entry in found[:_SHOWN_VIOLATIONS]
    )
    more = f"; and {len(found) - _SHOWN_VIOLATIONS} more" if len(found) > _SHOWN_VIOLATIONS else ""
    return f"body outside the contract: {shown}{more}"
