"""What can go wrong between the BFF and a backend.

ValueError
  └─ InvalidArgument         an argument that no contract allows; nothing was sent

Exception
  └─ BackendError
       ├─ BackendUnavailable      no usable response; trying later may help  (connect, DNS, TLS, disconnect, any 5xx,
       │    │                     408, 429, breaker open, too many waiting, HTTP client closed, another loop's client)
       │    └─ BackendTimeout     no response in time
       ├─ BackendRejected         a response that trying again won't change (other 4xx, 3xx)
       │    ├─ AuthenticationRejected   our key or service id is wrong (401, 403)
       │    └─ EndpointMissing          the backend has no such endpoint, or not yet (a 404 that is not in the contract)
       └─ ContractViolation       a 2xx the contract does not allow: content type, JSON, shape, size

A message names the backend, the operation and what happened. It never quotes a body or a header: a response may echo
the key, and rows are personal data. For the same reason the cause is not the exception of the HTTP library, but one of
the same kind that holds neither request nor response.

Errors are values: two are equal when all their attributes are, and one that was pickled or copied is equal to itself.
"""

from collections.abc import Callable
from typing import Any, Literal

UnavailableReason = Literal[
    "connect",
    "disconnect",
    "status",
    "timeout",
    "breaker_open",
    "queue_full",
    "closed",
    "wrong_loop",
    "unexpected",
]


class InvalidArgument(ValueError):
    """An argument that no contract allows; nothing was sent. The message never quotes the value, which may be personal.

    Attributes:
        argument: The argument's name.
        problem: What the value must be.
    """

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(argument, problem)
        self.argument = argument
        self.problem = problem

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.argument, self.problem))

    def __str__(self) -> str:
        return f"{self.argument} {self.problem}"


class BackendError(Exception):
    """A call to a backend did not give a result.

    Attributes:
        service: Pact name of the backend, such as ``result-aggregator-service``.
        operation: Name of the client method that was called.
        status_code: HTTP status of the response, ``None`` when there was none.
        correlation_id: The ``X-Correlation-ID`` that the request carried.
        detail: What happened, in one clause.
    """

    def __init__(
        self, detail: str, *, service: str, operation: str, correlation_id: str, status_code: int | None = None
    ) -> None:
        super().__init__(f"{service} {operation}: {detail} (correlation id {correlation_id})")
        self.detail = detail
        self.service = service
        self.operation = operation
        self.correlation_id = correlation_id
        self.status_code = status_code

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.detail, self.service, self.operation, self.correlation_id, self.status_code))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        # Pickle and copy would otherwise call the class with `args` alone, which is the message.
        return _remade, (type(self), *self.args), vars(self)


def _remade(kind: type[BackendError], *args: Any) -> BackendError:
    return kind.__new__(kind, *args)


class BackendUnavailable(BackendError):
    """The backend gave no usable response; trying later may help.

    Attributes:
        reason: ``connect`` (no connection), ``disconnect`` (the connection was lost), ``status`` (of the response) or
            ``timeout``. Nothing was sent for ``breaker_open``, ``queue_full`` (the request would have waited too long)
            and ``wrong_loop`` (another running event loop uses the HTTP client, or no asyncio task makes the call).
            ``closed``: the HTTP client was closed before or during the call. ``unexpected``: the HTTP client raised an
            exception that it should not raise.
        retry_after: Seconds until another try may help: what the backend asked for (``Retry-After``), or what is left
            of the breaker's pause; ``None`` if neither is known.
    """

    def __init__(
        self,
        detail: str,
        *,
        reason: UnavailableReason,
        service: str,
        operation: str,
        correlation_id: str,
        status_code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            detail, service=service, operation=operation, correlation_id=correlation_id, status_code=status_code
        )
        self.reason: UnavailableReason = reason
        self.retry_after = retry_after


class BackendTimeout(BackendUnavailable):
    """The backend did not answer in time."""


class BackendRejected(BackendError):
    """The backend refused this request; trying it again won't change that."""


class AuthenticationRejected(BackendRejected):
    """The backend does not accept our key or our service id."""


class EndpointMissing(BackendRejected):
    """The backend has no such endpoint: it is not deployed there yet, or the base URL is wrong."""


class ContractViolation(BackendError):
    """The backend answered 2xx with something that the contract does not allow."""
