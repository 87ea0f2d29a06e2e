"""Makes a school from a few lines: batches with essays, classes, students and dates that belong together.

It is the same on every machine and on every start: ids are derived from names, and no clock is read.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, ClassVar, Final
from uuid import UUID, uuid5

from bff_mock_server.world.rows import BatchFact, RasBatch, ras_fields

_NAMESPACE: Final = UUID("9f1c7a52-5b0e-5d4e-8a43-2f6d3c1b7e90")
_NEWEST: Final = datetime(2026, 1, 30, 15, 42, 10, 250_000)  # noqa: DTZ001  # RAS writes naive date-times
_TASKS: Final = ("Romeo och Julia", "Argumenterande tal", "Min språkliga bakgrund", "Novellanalys", "Källkritik")
_PUPILS: Final = (
    ("Åsa", "Öhman"),
    ("Nils", "Ekström"),
    ("Fatima", "Al-Hassan"),
    ("Anna-Lena", "Lindqvist"),
    ("Göran", "Åkesson"),
    ("Linh", "Nguyen"),
    ("Märta", "Sjöberg"),
    ("Elias", "Häggström"),
)
"""First and last names: each class of the school has a pupil of each. All of them are fictitious."""
_WITHOUT_ESSAYS: Final = frozenset(
    {
        "awaiting_content_validation",
        "awaiting_pipeline_configuration",
        "content_ingestion_failed",
        "cancelled",
    }
)
_STARTED: Final = frozenset(
    {"processing_pipelines", "completed_successfully", "completed_with_failures", "failed_critically"}
)
_CONFIRMED: Final[Mapping[str, float]] = {
    "awaiting_student_validation": 0.75,
    "student_validation_completed": 1,
    "validation_timeout_processed": 1,
}
"""The share of a batch's students that are confirmed, by its internal status."""
_PIPELINE: Final = "spellcheck,cj_assessment"

Row = dict[str, Any]


def teacher_id(name: str) -> str:
    """The user id of a teacher without a given one."""
    return _uuid("teacher", name)


@dataclass(frozen=True)
class TeachersBatches(Mapping[str, Any]):
    """The params of a teacher's state `user has exactly these batches`, made on demand.

    Attributes:
        user_id: The teacher.
        count: How many batches there are, newest first.
        statuses: Their internal statuses, in turn.
    """

    user_id: str
    count: int
    statuses: tuple[str, ...]

    def __getitem__(self, name: str) -> Any:
        """One of the params.

        Raises:
            KeyError: There is no such param.
        """
        match name:
            case "user_id":
                return self.user_id
            case "batches":
                return [batch_of(self.user_id, at, status) for at, status in self.each()]
            case _:
                raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield from ("user_id", "batches")

    def __len__(self) -> int:
        return 2

    @cached_property
    def batch_ids(self) -> Sequence[str]:
        """The ids of the batches."""
        return [_batch_id(self.user_id, at) for at in range(self.count)]

    def ras_batches(self) -> Iterator[RasBatch]:
        """The batches as RAS answers them; the fields of each are made on demand."""
        for (at, status), batch_id in zip(self.each(), self.batch_ids, strict=True):
            created = _created(at).replace(tzinfo=UTC)
            yield RasBatch(batch_id, self.user_id, status, created, partial(_fields, self.user_id, at, status))

    def each(self) -> Iterator[tuple[int, str]]:
        """The number of each batch, and its internal status."""
        return ((at, self.statuses[at % len(self.statuses)]) for at in range(self.count))


@dataclass(frozen=True)
class AboutBatches(Mapping[str, Any]):
    """The params of a state that maps the batches of a teacher, made on demand.

    Attributes:
        batches: The teacher's.
        classes: The names of their classes, in turn; `None` for no class, of which nothing else is known.
    """

    param: ClassVar[str]

    batches: TeachersBatches
    classes: tuple[str | None, ...]

    def __getitem__(self, name: str) -> Any:
        """One of the params.

        Raises:
            KeyError: There is no such param.
        """
        if name != self.param:
            raise KeyError(name)
        return {batch_id: self._entry(fact) for batch_id, fact in self.facts().items()}

    def __iter__(self) -> Iterator[str]:
        yield self.param

    def __len__(self) -> int:
        return 1

    def facts(self) -> dict[str, BatchFact | None]:
        """What is known about each batch."""
        turn = self.classes
        return {
            batch_id: self._fact(at, status, turn[at % len(turn)])
            for (at, status), batch_id in zip(self.batches.each(), self.batches.batch_ids, strict=True)
        }

    @abstractmethod
    def _fact(self, at: int, status: str, class_name: str | None) -> BatchFact | None: ...

    def _entry(self, fact: BatchFact | None) -> Any:
        return None if fact is None else dict(fact.fields)


class Classes(AboutBatches):
    """The params of `batches have exactly these classes`."""

    param = "classes"

    @cached_property
    def _by_name(self) -> Mapping[str | None, BatchFact]:
        named = {name: {"class_id": _uuid("class", name), "class_name": name} for name in self.classes if name}
        return {name: BatchFact(fields) for name, fields in named.items()}

    def _fact(self, at: int, status: str, class_name: str | None) -> BatchFact | None:  # noqa: ARG002
        return self._by_name.get(class_name)


class Validations(AboutBatches):
    """The params of `batches have exactly these validations`."""

    param = "validations"

    def _fact(self, at: int, status: str, class_name: str | None) -> BatchFact | None:
        confirmed = _CONFIRMED.get(status)
        return None if confirmed is None or class_name is None else BatchFact(_validation(at, confirmed))


class StudentNames(AboutBatches):
    """The params of `batches have exactly these student names`."""

    param = "student_names"

    def _fact(self, at: int, status: str, class_name: str | None) -> BatchFact:
        return BatchFact(make=partial(_student_names, self.batches.user_id, at, status, class_name))

    def _entry(self, fact: BatchFact | None) -> Any:
        return list(fact.rows) if fact is not None else []


def _fields(user_id: str, at: int, status: str) -> Mapping[str, Any]:
    return ras_fields(user_id, batch_of(user_id, at, status))


def _validation(at: int, confirmed: float) -> Row:
    total = _essay_count(at)
    pending = total - int(total * confirmed)
    return {
        "deviation_count": pending,
        "auto_confirm_deadline": _text(_created(at) + timedelta(hours=24)) if pending else None,
        "total_associations": total,
        "confirmed_associations": total - pending,
    }


def _student_names(teacher: str, at: int, status: str, class_name: str | None) -> Sequence[Row]:
    if class_name is None or status in _WITHOUT_ESSAYS:
        return ()
    pupils = [_pupil(at, number) for number in range(_essay_count(at))]
    return [
        {
            "essay_id": essay_id(f"{teacher}/{at}", number),
            "student_id": _uuid("student", f"{class_name}/{last_name}"),
            "student_person_name": {
                "first_name": first_name,
                "last_name": last_name,
                "legal_full_name": f"{first_name} {last_name}",
            },
        }
        for number, (first_name, last_name) in enumerate(pupils)
    ]


def _pupil(at: int, number: int) -> tuple[str, str]:
    """The author of an essay of the `at`th batch of a teacher."""
    return _PUPILS[(at + number) % len(_PUPILS)]


def essay_id(key: str, number: int) -> str:
    """The id of an essay of the batch that is made of `key`."""
    return _uuid("essay", f"{key}/{number}")


def _batch_id(teacher: str, at: int) -> str:
    return _uuid("batch", f"{teacher}/{at}")


def _created(at: int) -> datetime:
    return _NEWEST - timedelta(hours=7 * at, minutes=13 * (at % 5))


def _essay_count(at: int) -> int:
    return 3 + at % 3


def _uuid(kind: str, name: str) -> str:
    return str(uuid5(_NAMESPACE, f"{kind}:{name}"))


def batch_of(teacher: str, at: int, status: str) -> Row:
    """One batch, the `at`th of a teacher; the higher `at`, the older."""
    key = f"{teacher}/{at}"
    created = _created(at)
    essays = [] if status in _WITHOUT_ESSAYS else list(_essays(key, at, status, created))
    done = sum(essay["cj_assessment_status"] == "completed" for essay in essays)
    failed = sum("failed" in (essay["spellcheck_status"], essay["cj_assessment_status"]) for essay in essays)
    started = created + timedelta(minutes=4) if status in _STARTED else None
    finished = created + timedelta(minutes=16) if status.startswith("completed") else None
    return {
        "batch_id": _batch_id(teacher, at),
        "internal_status": status,
        "assignment_id": None if at % 4 == 3 else f"Uppgift {at + 1}: {_TASKS[at % len(_TASKS)]}",  # noqa: PLR2004
        "essay_count": _essay_count(at),
        "completed_essay_count": done,
        "failed_essay_count": failed,
        "requested_pipeline": _PIPELINE if status in _STARTED else None,
        "essays": essays,
        "created_at": _text(created),
        "last_updated": _text(finished or started or created),
        "processing_started_at": _text(started) if started else None,
        "processing_completed_at": _text(finished) if finished else None,
        "student_prompt_ref": None,
    }


def _essays(key: str, at: int, status: str, created: datetime) -> Iterator[Row]:
    count = _essay_count(at)
    for number in range(count):
        spellcheck, assessment = _progress(status, at, number, count)
        checked, assessed = spellcheck == "completed", assessment == "completed"
        essay = f"{key}/{number}"
        yield {
            "essay_id": essay_id(key, number),
            "filename": f"uppsats_{_pupil(at, number)[1].lower()}.docx",
            "file_upload_id": _uuid("upload", essay),
            "spellcheck_status": spellcheck,
            "spellcheck_correction_count": 4 + (at + number) % 9 if checked else None,
            "spellcheck_corrected_text_storage_id": _uuid("text", essay).replace("-", "") if checked else None,
            "spellcheck_error_detail": _error("SPELLCHECK_SERVICE_ERROR") if spellcheck == "failed" else None,
            "cj_assessment_status": assessment,
            "cj_rank": number + 1 if assessed else None,
            "cj_score": round(0.92 - 0.17 * number, 2) if assessed else None,
            "cj_assessment_error_detail": _error("CJ_ASSESSMENT_SERVICE_ERROR") if assessment == "failed" else None,
            "last_updated": _text(created + timedelta(minutes=5 + number)),
        }


def _progress(status: str, at: int, number: int, count: int) -> tuple[str | None, str | None]:
    """The progress of one essay in spellcheck and assessment, given the status of its batch."""
    last = number == count - 1
    match status:
        case "completed_successfully":
            return "completed", "completed"
        case "completed_with_failures":
            return ("completed", "failed") if last else ("completed", "completed")
        case "processing_pipelines" if at % 2 == 0:
            return ("processing" if last else "completed"), None
        case "processing_pipelines":
            return "completed", ("processing" if last else "completed")
        case "failed_critically":
            return "failed", None
        case _:
            return None, None


def _error(code: str) -> dict[str, Any]:
    return {"error_code": code, "message": "The service could not process the essay", "details": {}}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")
