"""Reads batches out of the responses of a real RAS."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard
from uuid import UUID

from bff_contracts.pact.json_path import is_array, is_object
from bff_mock_server._json import json_or_none

_OK: Final = 200


def batches_in(status: int, body: bytes) -> Iterator[Mapping[str, Any]]:
    """The batches in a response of RAS: those of a page, or a single one."""
    if status != _OK:
        return
    document: object = json_or_none(body)
    if not is_object(document):
        return
    rows = document.get("batches", [document] if "batch_id" in document else [])
    yield from (row for row in rows if is_object(row)) if is_array(rows) else ()


def is_uuid(text: object) -> TypeGuard[str]:
    """Whether a value is a UUID in its canonical form."""
    try:
        return isinstance(text, str) and str(UUID(text)) == text
    except ValueError:
        return False
