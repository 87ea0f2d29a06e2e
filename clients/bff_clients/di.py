"""Both clients for a Dishka container, typed and plain."""

from collections.abc import AsyncIterable
from typing import NewType

from dishka import Provider, Scope, provide  # pyright: ignore[reportUnknownVariableType]  # partly untyped there

from bff_clients._http import HttpClient
from bff_clients.cms_client import CMSClient
from bff_clients.config import BackendSettings, create_http_client
from bff_clients.plain import PlainCMSClient, PlainCMSClientProtocol, PlainRASClient, PlainRASClientProtocol
from bff_clients.protocols import CMSClientProtocol, RASClientProtocol
from bff_clients.ras_client import RASClient

BackendHttpClient = NewType("BackendHttpClient", HttpClient)
"""The HTTP client of both clients. A separate type, so that the container never confuses it with the application's own
`httpx.AsyncClient`, which may go through a proxy."""


class BackendClientsProvider(Provider):
    """Gives settings, the shared HTTP client and both clients under their protocols; closes what it opened.

    Args:
        settings: What the clients use; read from the environment when there is none.
    """

    scope = Scope.APP

    def __init__(self, settings: BackendSettings | None = None) -> None:
        super().__init__()
        self._settings = settings

    @provide
    def settings(self) -> BackendSettings:
        """Give the settings, reading them once.

        Raises:
            pydantic.ValidationError: The environment lacks the key or holds a value out of bounds.
        """
        return self._settings or BackendSettings()

    @provide
    async def http_client(self, settings: BackendSettings) -> AsyncIterable[BackendHttpClient]:
        """Give the HTTP client that both backends share, and close it with the container."""
        async with create_http_client(settings) as client:
            yield BackendHttpClient(client)

    @provide
    def ras(self, http: BackendHttpClient, settings: BackendSettings) -> RASClientProtocol:
        """Give the RAS client."""
        return RASClient(http, settings)

    @provide
    def cms(self, http: BackendHttpClient, settings: BackendSettings) -> CMSClientProtocol:
        """Give the CMS client."""
        return CMSClient(http, settings)


class PlainClientsProvider(Provider):
    """Gives both plain clients under their protocols; goes beside `BackendClientsProvider`, whose clients they use."""

    scope = Scope.APP

    @provide
    def ras(self, ras: RASClientProtocol) -> PlainRASClientProtocol:
        """Give the plain RAS client."""
        return PlainRASClient(ras)

    @provide
    def cms(self, cms: CMSClientProtocol) -> PlainCMSClientProtocol:
        """Give the plain CMS client."""
        return PlainCMSClient(cms)
