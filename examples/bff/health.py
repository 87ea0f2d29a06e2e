"""Liveness and readiness, for the orchestrator of the BFF."""

import asyncio
from http import HTTPStatus

from dishka.integrations.fastapi import DishkaRoute, FromDishka
from fastapi import APIRouter, Response
from pydantic import BaseModel

from bff_clients import (
    BackendError,
    BreakerState,
    CMSClient,
    CMSClientProtocol,
    RASClient,
    RASClientProtocol,
)

router = APIRouter(route_class=DishkaRoute)


class BackendHealth(BaseModel):
    """Whether a backend answers, and the state of its circuit breaker."""

    is_up: bool
    error: str | None
    breaker: BreakerState | None


class Readiness(BaseModel):
    """Whether requests can be served, with the status of each backend."""

    is_ready: bool
    backends: dict[str, BackendHealth]


@router.get("/healthz")
async def live() -> dict[str, str]:
    """The process is alive. It does not check the backends, because a restart of the BFF would not help them."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(
    response: Response, ras: FromDishka[RASClientProtocol], cms: FromDishka[CMSClientProtocol]
) -> Readiness:
    """Both backends answer; 503 when one does not."""
    of_ras, of_cms = await asyncio.gather(_health(ras), _health(cms))
    is_ready = of_ras.is_up and of_cms.is_up
    if not is_ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(is_ready=is_ready, backends={"ras": of_ras, "cms": of_cms})


async def _health(client: RASClientProtocol | CMSClientProtocol) -> BackendHealth:
    error = None
    try:
        await client.ping()
    except BackendError as failure:
        error = type(failure).__name__
    # A stand-in behind the protocol has no breaker.
    breaker = client.breaker_state if isinstance(client, RASClient | CMSClient) else None
    return BackendHealth(is_up=error is None, error=error, breaker=breaker)
