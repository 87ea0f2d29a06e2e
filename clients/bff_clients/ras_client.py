"""The Result Aggregator Service over HTTP: a teacher's batches and their status."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import Final, Literal
from uuid import UUID

from pydantic import SecretStr, TypeAdapter, ValidationError

from bff_clients._call import Call
from bff_clients._client import BackendClient
from bff_clients._decoding import Body
from bff_clients._http import Answer, HttpClient
from bff_clients._ids import canonical_batch_id, user_id_text, user_path_segment
from bff_clients._merging import MergedPage
from bff_clients._rows import MergedRows, PagedRows
from bff_clients._upstream import Upstream
from bff_clients.config import BackendSettings
from bff_clients.correlation import correlation_id_for
from bff_clients.errors import InvalidArgument
from bff_clients.models import (
    MAX_ESSAYS,
    AnswerModel,
    Batch,
    BatchClientStatus,
    BatchDetails,
    BatchPage,
    BatchStatus,
    StatusFilter,
)

SERVICE: Final = "result-aggregator-service"
MAX_PAGE_SIZE: Final = 100
"""The most rows that a page may ask for. The BFF's own limit; RAS has none."""
_PAGE_SHARE: Final = 1 / 4
_ROW_SHARE: Final = 1 / 128
"""Of the largest answer: 1 MiB by default for any page, or 32 KiB for each of its rows, with 70 essays of 460 bytes."""
_DETAILS_SHARE: Final = 1 / 2
"""Of the largest answer: 2 MiB by default, `MAX_ESSAYS` of 1 KB."""
_UNKNOWN_BATCH_BYTES: Final = 4096
"""Bytes of a 404's body that are compared with RAS's own, which has 27; a longer one is not RAS's."""
END_OF_OFFSETS: Final = 10**18
"""The contract's limit: up to 18 digits. RAS itself fails from 2**63."""


class _UnknownBatch(AnswerModel):
    error: Literal["Batch not found"]


_PAGE: Final = Body(BatchPage, entries="batches")
_DETAILS: Final = Body(BatchDetails, entries="essays")
_UNKNOWN_BATCH: Final = TypeAdapter(_UnknownBatch)


class RASClient(BackendClient):
    """Reads batches from RAS. Takes its base URL from the settings, never from the HTTP client."""

    def __init__(self, http: HttpClient, settings: BackendSettings) -> None:
        super().__init__(Upstream(http, settings, service=SERVICE, base_url=settings.ras_base_url))

    async def get_batches_for_user(
        self,
        user_id: str | UUID,
        *,
        limit: int = 20,
        offset: int = 0,
        status: StatusFilter | None = None,
        correlation_id: str | UUID | None = None,
    ) -> BatchPage:
        """Read one page of a teacher's batches, newest first; an unknown teacher has an empty page.

        Args:
            user_id: The teacher, as RAS knows them; escaped as one path segment.
            limit: Rows of the page, 1 to 100.
            offset: Rows to skip before the page.
            status: Only batches in this status: an internal one, or what the teacher sees (`BatchClientStatus`). The
                latter may be several to RAS; their pages are merged, at the cost of a request for each (up to 4) where
                `offset + limit` is below 100 (one or two more of a status whose rows at the end of the page share their
                `created_at`), and up to 44 at the bound of 1,000.
            correlation_id: A UUID for ``X-Correlation-ID``; a new one when there is none.

        Raises:
            InvalidArgument: RAS does not accept an argument; nothing was sent.
            BackendError: The page could not be read; see `bff_clients.errors`.
        """
        try:
            user = SecretStr(user_id_text(user_id))
        finally:
            del user_id  # a traceback may show this frame's locals
        return await self._page(user, limit=limit, offset=offset, status=status, correlation_id=correlation_id)

    async def _page(
        self,
        user: SecretStr,
        *,
        limit: int,
        offset: int,
        status: StatusFilter | None,
        correlation_id: str | UUID | None,
    ) -> BatchPage:
        limit, offset = _size("limit", limit), _offset(offset)
        statuses = _internal_statuses(status)
        segment = SecretStr(user_path_segment(user.get_secret_value()))
        async with Call(self._upstream, "get_batches_for_user", correlation_id) as call:
            read = partial(_page_of, call, user, segment)
            if len(statuses) <= 1:
                return await read(statuses[0] if statuses else None, limit, offset)
            merged = await MergedPage(statuses, limit=limit, offset=offset).read(read)
            if isinstance(merged, Exception):
                raise merged
            return merged

    def iter_batches_for_user(
        self,
        user_id: str | UUID,
        *,
        status: StatusFilter | None = None,
        page_size: int = MAX_PAGE_SIZE,
        correlation_id: str | UUID | None = None,
    ) -> AsyncGenerator[Batch, None]:
        """Read all of a teacher's batches, newest first, page by page; each page has its own deadline.

        No batch comes twice, even if rows are added between two pages, and a page without a new row is the last. A row
        that RAS skips is missed: when rows are deleted between two pages, or several rows have the same `created_at`,
        whose order RAS does not fix.

        Raises:
            InvalidArgument: As for `get_batches_for_user`, at the latest when the first batch is read.
            BackendError: As for `get_batches_for_user`; the batches before it have been yielded.
        """
        try:
            user = SecretStr(user_id_text(user_id))
        finally:
            del user_id  # a traceback may show this frame's locals
        page_size = _size("page_size", page_size)
        correlation = correlation_id_for(correlation_id)
        lists = [
            self._rows(user, status=one, page_size=page_size, correlation_id=correlation)
            for one in _internal_statuses(status) or (None,)
        ]
        return MergedRows(lists) if len(lists) > 1 else lists[0]

    def _rows(self, user: SecretStr, *, status: BatchStatus | None, page_size: int, correlation_id: str) -> PagedRows:
        """All rows of one internal status, or of all."""
        return PagedRows(
            lambda offset: self._page(
                user, limit=page_size, offset=offset, status=status, correlation_id=correlation_id
            )
        )

    async def get_batch_status(
        self, batch_id: str | UUID, *, correlation_id: str | UUID | None = None
    ) -> BatchDetails | None:
        """Read one batch with its essays; `None` when RAS does not know it.

        RAS does not check whose batch it is: compare `user_id` before you show it.

        Args:
            batch_id: A UUID in any usual spelling; sent in the canonical one.
            correlation_id: A UUID for ``X-Correlation-ID``; a new one when there is none.

        Raises:
            InvalidArgument: The id is not a UUID; nothing was sent.
            BackendError: The batch could not be read; a 404 that is not RAS's own raises it too. A `BackendRejected`
                with status 400 ("Invalid batch ID") means that the batch orchestrator knows the batch and RAS does not.
        """
        wanted = canonical_batch_id(batch_id)
        async with Call(self._upstream, "get_batch_status", correlation_id) as call:
            answer = await call.get(SecretStr(f"/internal/v1/batches/{wanted}/status"), share=_DETAILS_SHARE)
            if _says_unknown_batch(answer):
                return None
            return call.decode(
                answer,
                _DETAILS,
                most=MAX_ESSAYS,
                check=lambda batch: None if batch.batch_id == wanted else "another batch than the requested one",
            )


def _says_unknown_batch(answer: Answer) -> bool:
    """Whether this is the contract's 404 for an unknown batch, and not that of a wrong base URL."""
    if answer.status_code != 404 or not answer.is_json or len(answer.body) > _UNKNOWN_BATCH_BYTES:  # noqa: PLR2004
        return False
    try:
        _UNKNOWN_BATCH.validate_json(answer.body)
    except ValidationError:
        return False
    return True


async def _page_of(
    call: Call, user: SecretStr, segment: SecretStr, status: BatchStatus | None, limit: int, offset: int
) -> BatchPage:
    """Read one page of RAS's own."""
    wanted = "" if status is None else f"&status={status.value}"
    # Secret as a whole: a traceback may show the locals of this frame.
    target = SecretStr(f"/internal/v1/batches/user/{segment.get_secret_value()}?limit={limit}&offset={offset}{wanted}")
    answer = await call.get(target, share=max(_PAGE_SHARE, limit * _ROW_SHARE))
    return call.decode(
        answer, _PAGE, most=limit, check=lambda page: _mistake_in(page, user, limit=limit, offset=offset)
    )


def _mistake_in(page: BatchPage, user: SecretStr, *, limit: int, offset: int) -> str | None:
    if (page.pagination.limit, page.pagination.offset) != (limit, offset) or page.pagination.total < 0:
        return "pagination of another page than the requested one"
    if {batch.user_id for batch in page.batches} - {user.get_secret_value()}:
        return "a row of another user"
    return None


def _offset(value: int) -> int:
    offset = _integer("offset", value)
    if not 0 <= offset < END_OF_OFFSETS:
        raise InvalidArgument("offset", f"must be 0 or more, and below 10**18{_got(offset)}")
    return offset


def _size(name: str, value: int) -> int:
    size = _integer(name, value)
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise InvalidArgument(name, f"must be 1 to {MAX_PAGE_SIZE}{_got(size)}")
    return size


def _integer(name: str, value: int) -> int:
    # RAS answers 500 to a float or a bool in the query.
    if not isinstance(value, int) or isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidArgument(name, "must be an integer")
    return int.__index__(value)  # a subclass may have formats of its own


def _got(number: int) -> str:
    """The number that was given, unless it is too long to read, or for Python to convert to text."""
    return f", got {number}" if abs(number) < 10**30 else ""


def _internal_statuses(status: StatusFilter | None) -> tuple[BatchStatus, ...]:
    """The internal statuses that a filter means; none for any."""
    if status is None:
        return ()
    if isinstance(status, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        word = str.__str__(status)  # a subclass may compare and write itself as it likes
        # A word of both vocabularies selects the same batches in both.
        if not isinstance(status, BatchClientStatus):
            with suppress(ValueError):
                return (BatchStatus(word),)
        with suppress(ValueError):
            return BatchClientStatus(word).internal
    known = ", ".join(dict.fromkeys([*BatchStatus, *BatchClientStatus]))
    raise InvalidArgument("status", f"must be a BatchStatus or a BatchClientStatus, one of: {known}")
