"""Moves batches through their statuses over time, to watch a front end while it updates.

A batch passes from its content through the pipeline to its end: pending, ready, spellcheck, CJ assessment, completed,
some with failures. Every step is a row that RAS could have stored, so every response on the way keeps the contract.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from bff_contracts.states import BATCHES_HAVE_CLASSES, FINISHED, BatchRow
from bff_mock_server.world.rows import RasBatch
from bff_mock_server.world.scenarios.school import batch_of
from bff_mock_server.world.sessions import Sessions
from bff_mock_server.world.states import ras_batch
from bff_mock_server.world.world import World

TICK_SECONDS: Final = 0.25
"""Real seconds between two updates of the world."""

_STEP_SECONDS: Final = 4.0
_ESSAY_SECONDS: Final = 1.5
"""How long a step of a batch, or of one essay, takes on average at speed 1."""
_ARRIVAL_SECONDS: Final = 20.0
"""How often a new batch is handed in at speed 1."""
_ARRIVALS: Final = 200
"""The most that are handed in: a mock that runs overnight must not grow."""
_MOST_STEPS: Final = 30
"""How many steps are made at once, in about ten milliseconds."""
_FAILURE: Final = 0.04
"""The share of essays, and of contents, that fail."""

_PIPELINE: Final = "spellcheck,cj_assessment"
_RUNNING: Final = "processing_pipelines"
_BEFORE_PIPELINE: Final[Mapping[str, str]] = {
    "awaiting_content_validation": "awaiting_pipeline_configuration",
    "awaiting_pipeline_configuration": "ready_for_pipeline_execution",
    "awaiting_student_validation": "student_validation_completed",
    "student_validation_completed": "ready_for_pipeline_execution",
    "validation_timeout_processed": "ready_for_pipeline_execution",
    "ready_for_pipeline_execution": _RUNNING,
}

_Fields = dict[str, Any]


class Life:
    """Moves the batches of the default world.

    Args:
        sessions: The sessions with the default world.
        speed: Simulated seconds per real second.
        seed: The random seed; the same seed makes the same steps in the same order.
        now: Returns the present moment for the rows; naive UTC, as RAS writes it.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        speed: float = 1.0,
        seed: int = 0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(tzinfo=None),
    ) -> None:
        self._sessions = sessions
        self._speed = speed
        self._random = Random(seed)  # noqa: S311  # steps that repeat, no secrets
        self._now = now
        self._due: dict[str, float] = {}
        self._next_arrival = _ARRIVAL_SECONDS
        self._arrived = 0

    async def run(self) -> None:
        """Run until it is cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            is_done = self.pass_to((loop.time() - began) * self._speed)
            await asyncio.sleep(TICK_SECONDS if is_done else 0)  # requests are answered between the parts of a tick

    def pass_to(self, moment: float) -> bool:
        """Apply what is due until `moment`, in simulated seconds since the start.

        One call makes a bounded number of steps; `False` when it has left some to the next call.
        """
        world = self._sessions.default
        left = _MOST_STEPS
        while left and self._next_arrival <= moment and self._arrived < _ARRIVALS:
            left -= 1
            self._hand_in(world, self._next_arrival)
            self._next_arrival += self._random.expovariate(1 / _ARRIVAL_SECONDS)
        stepped: dict[str, RasBatch] = {}
        for row in [row for row in world.rows.batches.values() if _is_unfinished(row)]:
            changed, due = row, self._due.setdefault(row.batch_id, moment + self._delay(row))
            while left and due <= moment and _is_unfinished(changed):
                stepped[row.batch_id] = changed = self._step(changed)
                self._due[row.batch_id] = due = due + self._delay(changed)
                left -= 1
        if stepped:
            world.put(*stepped.values())
        for batch_id in self._due.keys() - world.rows.batches.keys():
            del self._due[batch_id]
        return left > 0

    def _delay(self, row: RasBatch) -> float:
        mean = _ESSAY_SECONDS if row.internal_status == _RUNNING else _STEP_SECONDS
        return self._random.expovariate(1 / mean)

    def _hand_in(self, world: World, at: float) -> None:
        """Hand in another batch of a teacher who has some, for the class of the latest one, at a simulated moment."""
        users = [user_id for user_id, rows in world.rows.users.items() if rows]
        if not users:
            return
        self._arrived += 1
        user_id = users[self._arrived % len(users)]
        moment = self._text()
        fields = batch_of(f"{user_id}/handed in", self._arrived, "awaiting_content_validation")
        fields |= {"created_at": moment, "last_updated": moment}
        known = world.rows.facts(BATCHES_HAVE_CLASSES).get(world.rows.users[user_id][0].batch_id)
        class_ = known.fields if known else None
        world.apply(BATCHES_HAVE_CLASSES, {"classes": {fields["batch_id"]: class_}})
        row = ras_batch(user_id, BatchRow.model_validate(fields))
        world.put(row)
        self._due[row.batch_id] = at + self._delay(row)

    def _step(self, row: RasBatch) -> RasBatch:
        fields: _Fields = {name: row.fields[name] for name in BatchRow.model_fields if name in row.fields}
        status = row.internal_status
        fields["essays"] = [dict(essay) for essay in row.fields["essays"]]
        fields["last_updated"] = moment = self._text()
        if status == _RUNNING:
            status = self._run_pipeline(fields, moment)
        elif status == "awaiting_content_validation" and self._random.random() < _FAILURE:
            status = "content_ingestion_failed"
        else:
            status = _BEFORE_PIPELINE[status]
            if status == "ready_for_pipeline_execution" and not fields["essays"]:
                fields["essays"] = self._essays(row, moment)
            if status == _RUNNING:
                fields |= {"processing_started_at": moment, "requested_pipeline": _PIPELINE}
        return ras_batch(row.user_id, BatchRow.model_validate({**fields, "internal_status": status}))

    def _essays(self, row: RasBatch, moment: str) -> list[_Fields]:
        """Unprocessed essays, as many as the batch declares."""
        made: list[_Fields] = []
        model = batch_of(row.batch_id, 0, "processing_pipelines")["essays"][0]
        blank = dict.fromkeys(model)
        for number in range(row.fields["essay_count"]):
            fresh = batch_of(row.batch_id, number, "processing_pipelines")["essays"][0]
            kept = {name: fresh[name] for name in ("essay_id", "filename", "file_upload_id")}
            made.append({**blank, **kept, "last_updated": moment})
        return made

    def _run_pipeline(self, fields: _Fields, moment: str) -> str:
        """Advance the first phase that an essay has not finished; returns the batch's new status."""
        essays: list[_Fields] = fields["essays"]
        waiting = next((one for one in essays if one["spellcheck_status"] not in FINISHED), None)
        if waiting is not None:
            self._spellcheck(waiting)
            waiting["last_updated"] = moment
        else:
            checked = [one for one in essays if one["spellcheck_status"] == "completed"]
            unrated = [one for one in checked if one["cj_assessment_status"] not in FINISHED]
            if unrated:
                self._assess(unrated, moment)
            else:
                fields["processing_completed_at"] = moment
        failed = sum("failed" in (one["spellcheck_status"], one["cj_assessment_status"]) for one in essays)
        completed = sum(one["cj_assessment_status"] == "completed" for one in essays)
        fields |= {"failed_essay_count": failed, "completed_essay_count": completed}
        if fields["processing_completed_at"] is None:
            return _RUNNING
        return "completed_with_failures" if failed else "completed_successfully"

    def _spellcheck(self, essay: _Fields) -> None:
        if essay["spellcheck_status"] != "processing":
            essay["spellcheck_status"] = "processing"
        elif self._random.random() < _FAILURE:
            essay |= {"spellcheck_status": "failed", "spellcheck_error_detail": _error("SPELLCHECK_SERVICE_ERROR")}
        else:
            essay |= {"spellcheck_status": "completed", "spellcheck_correction_count": self._random.randrange(2, 30)}
            essay["spellcheck_corrected_text_storage_id"] = f"{self._random.getrandbits(128):032x}"

    def _assess(self, essays: Iterable[_Fields], moment: str) -> None:
        """Comparative judgement ranks all essays at once."""
        essays = list(essays)
        for essay in essays:
            essay["last_updated"] = moment
        if any(essay["cj_assessment_status"] != "processing" for essay in essays):
            for essay in essays:
                essay["cj_assessment_status"] = "processing"
            return
        self._random.shuffle(essays)
        for rank, essay in enumerate(essays, 1):
            if self._random.random() < _FAILURE:
                essay |= {"cj_assessment_status": "failed"}
                essay["cj_assessment_error_detail"] = _error("CJ_ASSESSMENT_SERVICE_ERROR")
            else:
                essay |= {"cj_assessment_status": "completed", "cj_rank": rank, "cj_score": round(1 - rank / 20, 2)}

    def _text(self) -> str:
        return self._now().isoformat(timespec="milliseconds")


def _is_unfinished(row: RasBatch) -> bool:
    return row.internal_status == _RUNNING or row.internal_status in _BEFORE_PIPELINE


def _error(code: str) -> _Fields:
    return {"error_code": code, "message": "The service could not process the essay", "details": {}}
