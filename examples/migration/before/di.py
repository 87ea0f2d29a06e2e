"""What the container gives."""

from collections.abc import AsyncIterator

import httpx
from dishka import Provider, Scope, provide  # pyright: ignore[reportUnknownVariableType]  # partly untyped there

from examples.migration.before.clients import CMSClient, RASClient
from examples.migration.before.config import Settings
from examples.migration.before.protocols import CMSClientProtocol, RASClientProtocol


class ServiceProvider(Provider):
    """The service's own things."""

    scope = Scope.APP

    @provide
    def settings(self) -> Settings:
        """Read once."""
        return Settings()

    @provide
    async def http(self, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        """Shared by both clients."""
        async with httpx.AsyncClient(timeout=settings.TIMEOUT_SECONDS) as client:
            yield client

    @provide
    def ras(self, http: httpx.AsyncClient, settings: Settings) -> RASClientProtocol:
        """Reads batches."""
        return RASClient(http, settings)

    @provide
    def cms(self, http: httpx.AsyncClient, settings: Settings) -> CMSClientProtocol:
        """Reads classes."""
        return CMSClient(http, settings)
