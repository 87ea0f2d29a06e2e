"""One call of a client method: one deadline for all its requests, retries within it, and this package's errors."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self, TypeVar
from uuid import UUID

from pydantic import SecretStr

from bff_clients import _events
from bff_clients._breaker import BreakerOpenError, QueueFullError
from bff_clients._decoding import Body, Broken
from bff_clients._http import Answer, NotAnswered
from bff_clients._loops import OtherLoopError
from bff_clients._upstream import Upstream
from bff_clients.correlation import correlation_id_for
from bff_clients.errors import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    ContractViolation,
    EndpointMissing,
    UnavailableReason,
)

T = TypeVar("T")

_AGAIN: Final = frozenset({429, 502, 503, 504})
"""Statuses after which another attempt may succeed. Not 500, which is RAS's answer to requests that it cannot read."""

_REJECTED: Final[Mapping[int, type[BackendRejected]]] = {
    401: AuthenticationRejected,
    403: AuthenticationRejected,
    # RAS's 404 for an unknown batch is handled before this: any other 404 is a missing route.
    404: EndpointMissing,
}

_LOST: Final = frozenset({"connect", "disconnect"})
_OURS: Final = frozenset({"closed", "wrong_loop", "unexpected"})
"""Failures on this side, which are no evidence against the backend."""

_BACKENDS_PART: Final = 0.5
"""An expired deadline counts as a failure of the backend if the backend had the request for this part of it."""

_LONGEST_RETRY_AFTER: Final = 64
"""Characters; an HTTP date has 29."""

_MOST_SECONDS: Final = 999_999_999.0
"""Seconds, about thirty years: a longer `Retry-After` means never."""

_LONGEST_BACKOFF: Final = 2.0


class Call:
    """One call of a client method.

    Args:
        upstream: The backend.
        operation: The method's name, for errors and logs.
        correlation_id: The caller's, or `None` for that of the current request.

    Raises:
        InvalidArgument: The correlation id is not a UUID.
    """

    def __init__(self, upstream: Upstream, operation: str, correlation_id: str | UUID | None) -> None:
        self._upstream = upstream
        self.operation = operation
        self.correlation_id = correlation_id_for(correlation_id)
        self._context = _events.Context(upstream.service, operation, self.correlation_id)
        self._timeout = upstream.settings.http_client_timeout_seconds
        self._started = 0.0
        self._attempts = 0
        self._status: int | None = None

    async def __aenter__(self) -> Self:
        self._started = time.monotonic()
        try:
            self._deadline = asyncio.timeout(self._timeout)
            await self._deadline.__aenter__()
        except RuntimeError:
            detail = "no asyncio task makes this call; the clients need asyncio and do not support trio"
            raise self._unavailable(detail, reason="wrong_loop") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = "ok" if kind is None else kind.__name__
        try:
            await self._deadline.__aexit__(kind, error, trace)
        except TimeoutError as expired:
            outcome = BackendTimeout.__name__
            if self._upstream.is_closed:  # a handshake that hangs does not end with the HTTP client
                outcome = BackendUnavailable.__name__
                raise self._unavailable("the HTTP client is closed", reason="closed") from expired
            raise self._timed_out(f"no answer within {self._timeout:g} s") from expired
        finally:
            _events.call(
                self._context,
                outcome=outcome,
                status=self._status if error is None else getattr(error, "status_code", None),
                seconds=time.monotonic() - self._started,
                attempts=self._attempts,
            )

    async def get(self, target: SecretStr, *, share: float = 1.0, with_key: bool = True) -> Answer:
        """Send one GET, and retry it where that may help and there is time.

        Args:
            target: Path and query.
            share: The largest allowed answer, as a part of the size limit.
            with_key: Whether to send the key and the service id.

        Raises:
            BackendUnavailable: There was no complete answer.
            ContractViolation: The body is over the size limit or cannot be decompressed.
        """
        self._upstream.budget.earn()
        attempt = 1
        while True:
            outcome = await self._attempt(target, share, with_key=with_key)
            self._status = outcome.status_code if isinstance(outcome, Answer) else None
            delay = self._delay(attempt, outcome)
            if delay is None:
                if isinstance(outcome, NotAnswered):
                    raise self._failure(outcome) from outcome.cause
                return outcome
            reason = outcome.trouble if isinstance(outcome, NotAnswered) else "status"
            _events.retry(self._context, reason=reason, status=self._status, attempt=attempt, delay=delay)
            await asyncio.sleep(delay)
            attempt += 1

    async def _attempt(self, target: SecretStr, share: float, *, with_key: bool) -> Answer | NotAnswered:
        """Send one request if the breaker and the limit on requests allow it."""
        try:
            gate = self._upstream.gate
            entered = await gate.enter(self._left())
            try:
                return await self._admitted(target, share, with_key=with_key)
            finally:
                gate.leave(entered)
        except BreakerOpenError as error:
            raise self._unavailable("breaker open", reason="breaker_open", retry_after=error.seconds) from error
        except QueueFullError as error:
            raise self._unavailable("too many requests are waiting for this backend", reason="queue_full") from error
        except OtherLoopError as error:
            raise self._unavailable(str(error), reason="wrong_loop") from error

    async def _admitted(self, target: SecretStr, share: float, *, with_key: bool) -> Answer | NotAnswered:
        """Send one request if the breaker allows it, and report its outcome to the breaker."""
        breaker = self._upstream.breaker
        probe = await breaker.admit()
        self._attempts += 1
        failed: bool | None = None
        sent = time.monotonic()
        try:
            outcome = await self._upstream.fetch(
                target, share=share, correlation_id=self.correlation_id, with_key=with_key
            )
            failed = _is_backends_failure(outcome)
        except asyncio.CancelledError:
            # A cancelled caller is no evidence against the backend; a deadline is, if the backend had most of it.
            had = time.monotonic() - sent
            failed = True if self._deadline.expired() and had >= _BACKENDS_PART * self._timeout else None
            raise
        finally:
            breaker.settle(failed=failed, probe=probe)
        return outcome

    def _failure(self, fault: NotAnswered) -> BackendError:
        if fault.trouble == "violation":
            return self.violation(fault.detail)
        if fault.trouble == "timeout":
            return self._timed_out(fault.detail)
        return self._unavailable(fault.detail, reason=fault.trouble)

    def _left(self) -> float:
        """Seconds until the deadline."""
        return self._started + self._timeout - time.monotonic()

    def _delay(self, attempt: int, outcome: Answer | NotAnswered) -> float | None:
        """Seconds until the next attempt; `None` if a retry would not help, be late, or exceed the limits."""
        settings = self._upstream.settings
        retry_after: float | None = None
        if isinstance(outcome, Answer):
            if outcome.status_code not in _AGAIN:
                return None
            retry_after = seconds_of(outcome.retry_after)
            if retry_after is not None and retry_after > settings.http_retry_after_max_seconds:
                return None
        elif outcome.trouble not in _LOST:
            return None
        if attempt > settings.http_retries:
            return None
        longest = min(_LONGEST_BACKOFF, settings.http_retry_backoff_seconds * 2 ** (attempt - 1))
        delay = random.uniform(0.0, longest) if retry_after is None else retry_after  # noqa: S311  # full jitter
        ends = self._deadline.when()
        late = ends is not None and asyncio.get_running_loop().time() + delay >= ends
        return None if late or not self._upstream.budget.spend() else delay

    def decode(
        self,
        answer: Answer,
        body: Body[T],
        *,
        most: int,
        check: Callable[[T], str | None] | None = None,
    ) -> T:
        """Read a 200's body into a model.

        Args:
            answer: The answer.
            body: What its body is read into.
            most: The most entries that its outermost list or map may have.
            check: Checks the result further; returns the problem, or `None`.

        Raises:
            BackendError: The status is not 2xx; the class says what the caller can do.
            ContractViolation: A 2xx that the contract does not allow.
        """
        self.check_status(answer)
        if answer.status_code != 200:  # noqa: PLR2004
            answer.forget()
            raise self.violation(f"status {answer.status_code} instead of 200", answer.status_code)
        if not answer.is_json:
            answer.forget()
            raise self.violation("content type is not application/json", answer.status_code)
        result = body.read(answer.body, most=most, check=check)
        answer.forget()
        if isinstance(result, Broken):
            raise self.violation(result.detail, answer.status_code)
        return result

    def check_status(self, answer: Answer) -> None:
        """Check that an answer is a 2xx.

        Raises:
            BackendError: It is not; the class says what the caller can do.
        """
        status = answer.status_code
        if 200 <= status < 300:  # noqa: PLR2004
            return
        retry_after = seconds_of(answer.retry_after)
        answer.forget()
        if status >= 500 or status in {408, 429}:  # noqa: PLR2004
            raise self._unavailable(f"status {status}", reason="status", status_code=status, retry_after=retry_after)
        raise _REJECTED.get(status, BackendRejected)(
            f"status {status}",
            service=self._upstream.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
            status_code=status,
        )

    def violation(self, detail: str, status_code: int | None = None) -> ContractViolation:
        """Make the error for a 2xx that the contract does not allow, and log it."""
        _events.violation(self._context, detail=detail, status=status_code)
        return ContractViolation(
            detail,
            service=self._upstream.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
            status_code=status_code,
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
            service=self._upstream.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
            status_code=status_code,
            retry_after=retry_after,
        )

    def _timed_out(self, detail: str) -> BackendTimeout:
        return BackendTimeout(
            detail,
            reason="timeout",
            service=self._upstream.service,
            operation=self.operation,
            correlation_id=self.correlation_id,
        )


def _is_backends_failure(outcome: Answer | NotAnswered) -> bool | None:
    """Whether it is evidence against the backend; `None` for neither: the failure is on this side."""
    if isinstance(outcome, Answer):
        return outcome.status_code >= 500  # noqa: PLR2004
    return None if outcome.trouble in _OURS else outcome.trouble != "violation"


def seconds_of(retry_after: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or an HTTP date; `None` for anything else."""
    if retry_after is None or len(retry_after) > _LONGEST_RETRY_AFTER:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after.lstrip("0")[:9] or 0)
    try:
        moment = parsedate_to_datetime(retry_after)
        if moment.tzinfo is None:  # "-0000"
            moment = moment.replace(tzinfo=UTC)
        return min(_MOST_SECONDS, max(0.0, (moment - datetime.now(UTC)).total_seconds()))
    except Exception:  # noqa: BLE001  # a parser that fails in many ways, on what anybody may have written
        return None
