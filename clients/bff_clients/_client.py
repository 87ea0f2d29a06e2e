"""What the client of every backend offers."""

from typing import Final
from uuid import UUID

from pydantic import SecretStr

from bff_clients._breaker import BreakerState
from bff_clients._call import Call
from bff_clients._upstream import Upstream

_HEALTH_SHARE: Final = 1 / 16
"""Of the largest answer, 256 KiB by default: what a health route may tell."""


class BackendClient:
    """What every backend's client offers: is the service up, and does its circuit breaker let the next call through."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    @property
    def breaker_state(self) -> BreakerState:
        """What the circuit breaker does with the next call."""
        return self._upstream.breaker.state

    async def ping(self, *, correlation_id: str | UUID | None = None) -> None:
        """See that the service is up, for a readiness route; no key is sent.

        Raises:
            BackendError: It is not, or cannot be reached; see `bff_clients.errors`.
        """
        async with Call(self._upstream, "ping", correlation_id) as call:
            call.check_status(await call.get(SecretStr("/healthz"), share=_HEALTH_SHARE, with_key=False))
