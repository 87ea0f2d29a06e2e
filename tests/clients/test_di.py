"""The Dishka provider gives both clients one HTTP client, and closes what it opened."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

import httpx
import pytest
from dishka import AsyncContainer, Provider, Scope, make_async_container, provide  # pyright: ignore[reportUnknownVariableType]
from pydantic import ValidationError

from bff_clients import BackendSettings, BackendUnavailable, CMSClient, CMSClientProtocol, RASClient, RASClientProtocol
from bff_clients.di import BackendClientsProvider, BackendHttpClient
from tests.support.platform import KEY

pytestmark = pytest.mark.anyio


async def test_the_container_gives_the_clients_and_closes_their_http_client(settings: BackendSettings) -> None:
    container = make_async_container(BackendClientsProvider(settings))
    ras = await container.get(RASClientProtocol)
    cms = await container.get(CMSClientProtocol)
    http = await container.get(BackendHttpClient)
    assert isinstance(ras, RASClient)
    assert isinstance(cms, CMSClient)
    assert await container.get(BackendSettings) is settings
    assert not http.is_closed

    await container.close()
    assert http.is_closed


async def test_without_settings_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", KEY.get_secret_value())
    container = make_async_container(BackendClientsProvider())

    assert (await container.get(BackendSettings)).internal_api_key == KEY
    await container.close()


async def test_a_missing_key_fails_with_the_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HULEEDU_INTERNAL_API_KEY", raising=False)
    container = make_async_container(BackendClientsProvider())
    with pytest.raises(ValidationError, match="HULEEDU_INTERNAL_API_KEY"):
        await container.get(RASClientProtocol)
    await container.close()


class OwnHttp(Provider):
    """An application's own HTTP client, which may go through a proxy."""

    @provide(scope=Scope.APP)
    async def http(self) -> AsyncIterable[httpx.AsyncClient]:
        async with httpx.AsyncClient(headers={"X-Own": "yes"}) as client:
            yield client


@pytest.mark.parametrize("is_own_first", [True, False], ids=["own-first", "own-last"])
async def test_an_applications_own_http_client_is_another(is_own_first: bool, settings: BackendSettings) -> None:  # noqa: FBT001
    providers: list[Provider] = [OwnHttp(), BackendClientsProvider(settings)]
    container = make_async_container(*(providers if is_own_first else reversed(providers)))
    own, ours = await container.get(httpx.AsyncClient), await container.get(BackendHttpClient)
    ras: Any = await container.get(RASClientProtocol)

    assert (own.headers["X-Own"], "X-Own" in ours.headers) == ("yes", False)
    assert ras._upstream._http is ours
    await container.close()


def test_a_container_ends_with_the_loop_that_it_was_used_in(settings: BackendSettings) -> None:
    """Dishka's generators are closed with the loop; a container made for the next one works."""

    async def reason(container: AsyncContainer) -> str | None:
        try:
            await (await container.get(RASClientProtocol)).ping()
        except BackendUnavailable as error:
            return error.reason
        return None

    def container() -> AsyncContainer:
        return make_async_container(
            BackendClientsProvider(settings.model_copy(update={"ras_base_url": "http://127.0.0.1:1"}))
        )

    first = container()

    assert [asyncio.run(reason(one)) for one in (first, first, container())] == ["connect", "closed", "connect"]
