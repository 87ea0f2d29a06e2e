"""What the clients of all backends have in common."""

from typing import Final, NoReturn
from uuid import UUID

from pydantic import SecretStr

from bff_clients._breaker import BreakerState
from bff_clients._call import Call
from bff_clients._upstream import Upstream

_HEALTH_SHARE: Final = 1 / 16
"""The part of the largest response that a health route may have: 256 KiB by default."""


class BackendClient:
    """What every client has: a health check, and the state of its circuit breaker."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    @property
    def breaker_state(self) -> BreakerState:
        """The state of the backend's circuit breaker, which decides about the next call."""
        return self._upstream.breaker.state

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied, in words of our own.

        Raises:
            TypeError: Always.
        """
        message = f"{type(self).__name__} has connections: it cannot be pickled or copied; make one in each process"
        raise TypeError(message)

    async def ping(self, *, correlation_id: str | UUID | None = None) -> None:
        """Check that the service is up, for a readiness route; no key is sent.

        Raises:
            BackendError: It is not, or cannot be reached; see `bff_clients.errors`.
        """
        async with Call(self._upstream, "ping", correlation_id) as call:
            call.check_status(await call.get(SecretStr("/healthz"), share=_HEALTH_SHARE, with_key=False))
