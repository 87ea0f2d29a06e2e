"""The Class Management Service over HTTP: the classes of batches, the validation and the names of their students."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from pydantic import SecretStr

from bff_clients._call import Call
from bff_clients._client import BackendClient
from bff_clients._decoding import Body
from bff_clients._http import HttpClient
from bff_clients._ids import canonical_batch_id, canonical_uuid
from bff_clients._together import together
from bff_clients._upstream import Upstream
from bff_clients.config import BackendSettings
from bff_clients.errors import InvalidArgument
from bff_clients.models import (
    MAX_ESSAYS,
    AnswerModel,
    ClassInfo,
    Id,
    StudentName,
    ValidationStatus,
)

SERVICE: Final = "class-management-service"
MAX_IDS_PER_REQUEST: Final = 100
"""100 ids are 3.7 KB of query: common servers and proxies stop at 4 to 8 KB of request head."""
MAX_URL_BYTES: Final = 4000
MAX_CONCURRENT_REQUESTS: Final = 4

_ID_BYTES: Final = 37
"""A canonical UUID and its comma."""

_ENTRIES_PER_ID: Final = 2
"""Entries that an answer may have for each id in the request. A few unknown ones are ignored; many are a violation."""

_PART_SHARE: Final = 1 / 16
"""Of the largest answer: 256 KiB by default, ten times what 100 entries have."""
_NAMES_SHARE: Final = 1 / 4
"""Of the largest answer: 1 MiB by default, `MAX_ESSAYS` of 500 bytes."""

M = TypeVar("M", bound=AnswerModel)


@dataclass(frozen=True)
class _ByBatch(Generic[M]):
    """An endpoint that answers with a map, keyed by the batch ids it is asked about.

    Attributes:
        operation: The client method.
        path: The endpoint's path.
        body: What an answer is read into: a model or `None` for each id.
        batch_of: Returns the batch id of an entry, where entries have one.
    """

    operation: str
    path: str
    body: Body[dict[str, M | None]]
    batch_of: Callable[[M], str] | None = None

    @property
    def target(self) -> str:
        """The part of the request target before the ids."""
        return f"{self.path}?batch_ids="


_CLASS_INFO: Final = _ByBatch(
    "get_batch_class_info", "/internal/v1/batches/class-info", Body(dict[str, ClassInfo | None])
)
_VALIDATION_STATUS: Final = _ByBatch(
    "get_batch_validation_status",
    "/internal/v1/batches/validation-status",
    Body(dict[str, ValidationStatus | None]),
    batch_of=lambda entry: entry.batch_id,
)
_STUDENT_NAMES: Final = Body(list[StudentName])


class CMSClient(BackendClient):
    """Reads what CMS knows about batches. Takes its base URL from the settings, never from the HTTP client."""

    def __init__(self, http: HttpClient, settings: BackendSettings) -> None:
        super().__init__(Upstream(http, settings, service=SERVICE, base_url=settings.cms_base_url))
        self._room = MAX_URL_BYTES - len(settings.cms_base_url)

    async def get_batch_class_info(
        self, batch_ids: Iterable[Id], *, correlation_id: str | UUID | None = None
    ) -> dict[Id, ClassInfo | None]:
        """Read the class of each batch; `None` when it has none, or CMS does not know the batch.

        Many ids are sent in several requests, at most 4 at a time, under one deadline.

        Args:
            batch_ids: UUIDs, as `UUID` or in any usual spelling, duplicates allowed. Without ids nothing is sent.
            correlation_id: A UUID for ``X-Correlation-ID``; a new one when there is none.

        Returns:
            A map with exactly the ids in `batch_ids`, as the caller passed them.

        Raises:
            InvalidArgument: An id is not a UUID, or `batch_ids` is one id; nothing was sent.
            BackendError: There is no complete answer; see `bff_clients.errors`.
        """
        return await self._read(_CLASS_INFO, batch_ids, correlation_id)

    async def get_batch_validation_status(
        self, batch_ids: Iterable[Id], *, correlation_id: str | UUID | None = None
    ) -> dict[Id, ValidationStatus | None]:
        """Read the progress of validating each batch's students; `None` for a batch that is not being validated.

        Arguments, result and errors are those of `get_batch_class_info`.
        """
        return await self._read(_VALIDATION_STATUS, batch_ids, correlation_id)

    async def get_batch_student_names(
        self, batch_id: str | UUID, *, correlation_id: str | UUID | None = None
    ) -> list[StudentName]:
        """Read who wrote the essays of one batch; empty if no student is known, or CMS does not know the batch.

        Names are personal data: no error, no log record and no `repr` of the models contains one.

        Args:
            batch_id: A UUID in any usual spelling; sent in the canonical one.
            correlation_id: A UUID for ``X-Correlation-ID``; a new one when there is none.

        Returns:
            One entry for each essay whose student is known, in no fixed order: find them by `essay_id`.

        Raises:
            InvalidArgument: The id is not a UUID; nothing was sent.
            BackendError: There is no complete answer; see `bff_clients.errors`.
        """
        wanted = canonical_batch_id(batch_id)
        async with Call(self._upstream, "get_batch_student_names", correlation_id) as call:
            answer = await call.get(SecretStr(f"/internal/v1/batches/{wanted}/student-names"), share=_NAMES_SHARE)
            return call.decode(answer, _STUDENT_NAMES, most=MAX_ESSAYS)

    async def _read(
        self, endpoint: _ByBatch[M], batch_ids: Iterable[Id], correlation_id: str | UUID | None
    ) -> dict[Id, M | None]:
        if isinstance(batch_ids, str | UUID) or not isinstance(batch_ids, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidArgument("batch_ids", "must be a collection of ids, not one id")
        wanted = _canonical(batch_ids)
        distinct = list(dict.fromkeys(wanted.values()))
        async with Call(self._upstream, endpoint.operation, correlation_id) as call:
            size = min(MAX_IDS_PER_REQUEST, (self._room - len(endpoint.target) + 1) // _ID_BYTES)
            chunks = [distinct[start : start + size] for start in range(0, len(distinct), size)]
            found = await _all_parts(call, endpoint, chunks)
            if isinstance(found, Exception):
                raise found
        return {one: found[canonical] for one, canonical in wanted.items()}


def _canonical(batch_ids: Iterable[Id]) -> dict[Id, str]:
    """The canonical spelling of each id, by the id as the caller gave it."""
    wanted: dict[Id, str] = {}
    for at, one in enumerate(batch_ids):
        try:
            wanted[one] = canonical_uuid(one, name="batch_ids")
        except InvalidArgument as error:
            raise InvalidArgument("batch_ids", f"must hold UUIDs; the entry at index {at} is not one") from error
    return wanted


async def _all_parts(call: Call, endpoint: _ByBatch[M], chunks: list[list[str]]) -> dict[str, M | None] | Exception:
    """Ask for every chunk."""
    if not chunks:
        return {}
    if len(chunks) == 1:
        return await _part(call, endpoint, chunks[0])
    parts = await together((_part(call, endpoint, chunk) for chunk in chunks), at_once=MAX_CONCURRENT_REQUESTS)
    if isinstance(parts, Exception):
        return parts
    return {batch_id: entry for part in parts for batch_id, entry in part.items()}


async def _part(call: Call, endpoint: _ByBatch[M], ids: list[str]) -> dict[str, M | None]:
    answer = await call.get(SecretStr(endpoint.target + ",".join(ids)), share=_PART_SHARE)
    entries = call.decode(
        answer,
        endpoint.body,
        most=_ENTRIES_PER_ID * len(ids),
        check=lambda entries: _mistake_in(entries, ids, endpoint.batch_of),
    )
    return {batch_id: entries[batch_id] for batch_id in ids}


def _mistake_in(entries: dict[str, M | None], ids: list[str], batch_of: Callable[[M], str] | None) -> str | None:
    missing = [batch_id for batch_id in ids if batch_id not in entries]
    if missing:
        return f"{len(missing)} of the {len(ids)} requested ids are missing"
    if batch_of and any((entry := entries[one]) is not None and batch_of(entry) != one for one in ids):
        return "an entry whose batch_id is not its key"
    return None
