"""Records what a real provider answers, as a scenario to serve later."""

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID, uuid5

import yaml
from pydantic import ValidationError

from bff_contracts.pact.binding import fill
from bff_contracts.pact.file import Interaction, Pact
from bff_contracts.pact.json_path import is_array, is_object
from bff_contracts.personal import renamed
from bff_contracts.platform import CMS, RAS, SHAPE
from bff_contracts.states import KINDS, USER_HAS_BATCHES, BatchRow, EssayRow
from bff_mock_server.matching.request import Asked
from bff_mock_server.proxy.ras_batches import batches_in, is_uuid
from bff_mock_server.world.rows import CLIENT_STATUS

_NAMESPACE: Final = UUID("5b1d2f0e-6c1f-5a39-9d0e-3f0a7c1b2d44")
_OK: Final = 200
_WRITE_SECONDS: Final = 2.0
_INTERNAL: Final[Mapping[str, str]] = {
    "pending_content": "awaiting_content_validation",
    "ready": "ready_for_pipeline_execution",
    "processing": "processing_pipelines",
    "completed_successfully": "completed_successfully",
    "completed_with_failures": "completed_with_failures",
    "failed": "failed_critically",
    "cancelled": "cancelled",
}
"""The most common internal status behind each client status, because RAS's responses have only the latter."""

_LOG: Final = logging.getLogger("bff_mock_server")


class Recorder:
    """Collects what real providers answer, and writes it as a scenario.

    The file contains no key. Texts that may name people are replaced: file names of essays, error details, names of
    students, and user ids that are not UUIDs. Equal texts have the same replacement.

    Args:
        path: The file to write, readable by its owner alone; an existing one is replaced when there is something to
        record.

    Attributes:
        problem: Why the file could not be written the last time; empty when it could.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._users: dict[str, dict[str, dict[str, Any]]] = {}
        self._entries: dict[str, dict[str, Any]] = {}
        self._persons: dict[str, str] = {}
        self._is_dirty = False
        self.problem = ""
        with tempfile.TemporaryFile(dir=path.parent):
            pass  # fail now, not after a day of recording

    def observe(self, pact: Pact, asked: Asked, status: int, body: bytes) -> None:
        """Record one response."""
        if pact.provider == RAS:
            known = asked.query.get("status")
            taken = (self._take_batch(row, known[0] if known else None) for row in batches_in(status, body))
            problems = [problem for problem in taken if problem]
            if problems:
                more = f", and {len(problems) - 1} more of this response" if len(problems) > 1 else ""
                _LOG.warning("batch %s%s", problems[0], more)
            self._take_user(asked, status, body)
        elif pact.provider == CMS and status == _OK:
            self._take_entries(pact, asked, body)
        self._is_dirty = True

    async def run(self) -> None:
        """Rewrite the file whenever something was recorded, until it is cancelled."""
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            await self.finish()

    async def finish(self) -> None:
        """Write what has not been written yet."""
        if not self._is_dirty:
            return
        self._is_dirty = False
        document = self.document()
        try:
            await asyncio.to_thread(self._write, document)
        except OSError as error:
            self._is_dirty = True  # to be tried again
            self.problem = f"{self._path} cannot be written: {error.strerror or error}"
            _LOG.error(self.problem)  # no traceback: the message is enough
        else:
            self.problem = ""

    def document(self) -> dict[str, Any]:
        """The scenario as the content of its file."""
        states: list[dict[str, Any]] = [
            {"state": USER_HAS_BATCHES, "params": {"user_id": user_id, "batches": list(batches.values())}}
            for user_id, batches in self._users.items()
        ]
        states += [
            {"state": state, "params": {KINDS[state].param(): entries}} for state, entries in self._entries.items()
        ]
        return {"about": "Recorded from real services; names of people are replaced.", "states": states}

    def _take_user(self, asked: Asked, status: int, body: bytes) -> None:
        """Record the user of an empty page, who has no batches."""
        if status == _OK and "/user/" in asked.path and not list(batches_in(status, body)):
            self._users.setdefault(_pseudonym(unquote(asked.path.rpartition("/")[2])), {})

    def _take_batch(self, row: Mapping[str, Any], internal_status: str | None) -> str:
        """Record a batch; returns why it cannot be recorded, if it cannot."""
        user_id, batch_id = row.get("user_id"), row.get("batch_id")
        before = self._users.get(_pseudonym(str(user_id)), {}).get(str(batch_id))
        stored = {
            **{name: row.get(name) for name in BatchRow.model_fields},
            "internal_status": internal_status or _internal(row, before),
            "essays": [
                _without_names(essay, at) for at, essay in enumerate(_listed(row.get("essays"))) if is_object(essay)
            ],
            "student_prompt_ref": None,
        }
        if not stored["essays"] and before is not None:
            stored["essays"] = before["essays"]  # a list may lack fields of the batch's own response
        try:
            BatchRow.model_validate(stored)
        except ValidationError as error:
            return f"{str(batch_id)[:64]!r} is not recorded: {error.errors(include_url=False)[0]['msg']}"
        for batches in self._users.values():
            batches.pop(str(batch_id), None)
        self._users.setdefault(_pseudonym(str(user_id)), {})[str(batch_id)] = stored
        return ""

    def _take_entries(self, pact: Pact, asked: Asked, body: bytes) -> None:
        for shape, state in _states_of(pact, asked.path):
            name = KINDS[state].param()
            try:
                entries = self._entries_in(json.loads(body), shape, asked, name)
                KINDS[state].model_validate({name: entries})
            except ValidationError as error:
                _LOG.warning("%s are not recorded: %s", name, error.errors(include_url=False)[0]["msg"])
            except (ValueError, RecursionError) as error:
                _LOG.warning("%s are not recorded: %s", name, error)
            else:
                self._entries.setdefault(state, {}).update(entries)

    def _entries_in(self, body: Any, shape: Interaction, asked: Asked, name: str) -> Any:
        """The entries of a response by batch id; a list belongs to the batch in the path."""
        body = renamed(body, lambda person: self._persons.setdefault(person, f"Name {len(self._persons) + 1}"))
        if not is_array(body):
            return _without_ids(body)
        params = (state.params.get(name, {}) for state in fill(shape, path=asked.path, query=asked.query).states)
        return {batch_id: body for entries in params for batch_id in entries}

    def _write(self, document: Mapping[str, Any]) -> None:
        text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        # A reader sees the file before or this one, never half of it.
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self._path)
        except OSError:
            with suppress(OSError):
                Path(name).unlink()
            raise


def _states_of(pact: Pact, path: str) -> Iterator[tuple[Interaction, str]]:
    """The shapes of a path, each with the provider state that defines its responses."""
    for shape in pact.interactions:
        if shape.role == SHAPE and shape.is_for("GET", path):
            yield from ((shape, state.name) for state in shape.states if state.name in KINDS)


class _Dumper(yaml.CSafeDumper):
    """Writes YAML without aliases, so that a person can change one of two equal values."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _without_ids(body: Any) -> Any:
    """Entries without the ids that are their keys anyway."""
    if not is_object(body):
        return body
    rows = {key: value for key, value in body.items() if is_object(value)}
    return {**body, **{key: {n: v for n, v in row.items() if n != "batch_id"} for key, row in rows.items()}}


def _listed(value: object) -> list[Any]:
    return value if is_array(value) else []


def _internal(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> str | None:
    """The known internal status if it still fits RAS's client status; else the most common one that does."""
    shown = str(row.get("overall_status"))
    if before is not None and CLIENT_STATUS.get(before["internal_status"]) == shown:
        return str(before["internal_status"])
    return _INTERNAL.get(shown)


def _without_names(essay: Mapping[str, Any], at: int) -> dict[str, Any]:
    kept = {name: essay[name] for name in EssayRow.model_fields if name in essay}
    if kept.get("filename") is not None:
        kept["filename"] = f"essay_{at + 1}.docx"
    for name in ("spellcheck_error_detail", "cj_assessment_error_detail"):
        if kept.get(name) is not None:
            kept[name] = {"error_code": "RECORDED", "message": "replaced"}
    return kept


def _pseudonym(user_id: str) -> str:
    return user_id if is_uuid(user_id) else str(uuid5(_NAMESPACE, user_id))
