"""HTTP clients of the backends."""

from typing import Any
from uuid import UUID

import httpx

from examples.migration.before.config import Settings


class ExternalServiceError(Exception):
    """A backend did not answer as it should."""

    def __init__(self, service: str, status_code: int | None) -> None:
        super().__init__(f"{service} failed with status {status_code}")
        self.service = service
        self.status_code = status_code


async def _get(http: httpx.AsyncClient, settings: Settings, url: str, correlation_id: UUID, **params: object) -> Any:
    headers = {
        "X-Internal-API-Key": settings.INTERNAL_API_KEY.get_secret_value(),
        "X-Service-ID": settings.SERVICE_NAME,
        "X-Correlation-ID": str(correlation_id),
    }
    given = {name: str(value) for name, value in params.items() if value is not None}
    try:
        response = await http.get(url, params=given, headers=headers)
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise ExternalServiceError(url, error.response.status_code) from error
    except httpx.HTTPError as error:
        raise ExternalServiceError(url, None) from error
    return response.json()


class RASClient:
    """Reads batches from RAS."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http = http
        self._settings = settings

    async def get_batches_for_user(
        self, user_id: str, correlation_id: UUID, limit: int, offset: int, status: str | None
    ) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """A page of rows, and its pagination."""
        url = f"{self._settings.RAS_URL}/internal/v1/batches/user/{user_id}"
        page = await _get(self._http, self._settings, url, correlation_id, limit=limit, offset=offset, status=status)
        return page["batches"], page["pagination"]


class CMSClient:
    """Reads classes from CMS."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings) -> None:
        self._http = http
        self._settings = settings

    async def get_class_info_for_batches(
        self, batch_ids: list[UUID], correlation_id: UUID
    ) -> dict[str, dict[str, str] | None]:
        """The class of each batch, or none."""
        if not batch_ids:
            return {}
        url = f"{self._settings.CMS_URL}/internal/v1/batches/class-info"
        found: dict[str, dict[str, str] | None] = await _get(
            self._http, self._settings, url, correlation_id, batch_ids=",".join(map(str, batch_ids))
        )
        return found
