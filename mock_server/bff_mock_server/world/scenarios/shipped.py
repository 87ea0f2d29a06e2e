"""The scenarios of this package. They are made without Pydantic and YAML, which take longer to load than the mock."""

from collections.abc import Callable, Mapping
from typing import Final, get_args

from bff_contracts.platform import BY_NAME, needs_extras
from bff_contracts.state_names import InternalStatus
from bff_mock_server._suggest import meant
from bff_mock_server.faults.spec import parse_route
from bff_mock_server.world.scenarios.entries import Part, TeacherEntry, armed, part_of, scenario_of
from bff_mock_server.world.scenarios.model import Scenario, ScenarioError

_SUFFIXES: Final = (".yaml", ".yml")

_EACH_STATUS: Final[tuple[InternalStatus, ...]] = get_args(InternalStatus)
_USUAL: Final[tuple[InternalStatus, ...]] = (
    "completed_successfully",
    "completed_successfully",
    "processing_pipelines",
    "completed_successfully",
    "awaiting_content_validation",
    "completed_with_failures",
    "completed_successfully",
    "processing_pipelines",
    "awaiting_pipeline_configuration",
    "completed_successfully",
    "ready_for_pipeline_execution",
    "completed_successfully",
    "awaiting_student_validation",
    "completed_with_failures",
    "completed_successfully",
    "student_validation_completed",
    "completed_successfully",
    "validation_timeout_processed",
    "content_ingestion_failed",
    "completed_successfully",
    "failed_critically",
    "completed_with_failures",
    "cancelled",
)
"""Every internal status occurs, so that each filter finds something; completed ones prevail."""
_EXAMS: Final[tuple[InternalStatus, ...]] = (
    "processing_pipelines",
    "processing_pipelines",
    "ready_for_pipeline_execution",
    "processing_pipelines",
    "awaiting_student_validation",
    "processing_pipelines",
    "completed_successfully",
    "awaiting_content_validation",
    "processing_pipelines",
    "completed_with_failures",
    "processing_pipelines",
    "failed_critically",
)
_SWEDISH: Final = "Svenska 1 – SA24B"
_CLASSES: Final = (
    _SWEDISH,
    "ENG5 Teknik åk 1",
    "Engelska 6 NA23a",
    None,
    "Svenska 3 – EK22",
    "Historia 1b HU24",
    _SWEDISH,
)
_EXAM_CLASSES: Final = ("Svenska 3 – EK22", _SWEDISH, "ENG5 Teknik åk 1", "Engelska 6 NA23a", "Historia 1b HU24")


def _default() -> Scenario:
    week: tuple[InternalStatus, ...] = (
        "processing_pipelines",
        "processing_pipelines",
        "completed_successfully",
        "completed_with_failures",
        "completed_successfully",
    )
    teachers = (
        TeacherEntry(
            "Karin Öberg",
            "busy: many pages, batches with and without a class",
            batches=250,
            statuses=_USUAL,
            classes=_CLASSES,
        ),
        TeacherEntry(
            "Anders Åkerlund",
            "one batch in each internal status, so every client status",
            batches=len(_EACH_STATUS),
            statuses=_EACH_STATUS,
            classes=_CLASSES,
        ),
        TeacherEntry(
            "Maja Lindström",
            "an ordinary week",
            batches=5,
            statuses=week,
            classes=("Svenska 2 – SA23A", "Svenska 3 – EK22"),
        ),
        TeacherEntry(
            "Yusuf Al-Hassan",
            "batches that belong to no class",
            batches=2,
            statuses=("completed_successfully", "processing_pipelines"),
        ),
        TeacherEntry("Elin Björk", "new here: no batches"),
    )
    about = "A small school in which every case that a dashboard has to show occurs."
    return scenario_of("default", about, map(part_of, teachers))


def _empty_school() -> Scenario:
    names = ("Karin Öberg", "Anders Åkerlund", "Elin Björk")
    about = "The first day of term. Teachers can log in, and nobody has handed anything in yet."
    return scenario_of("empty-school", about, (part_of(TeacherEntry(name, "no batches")) for name in names))


def _exam_week() -> Scenario:
    batches = {
        "Karin Öberg": 80,
        "Anders Åkerlund": 43,
        "Maja Lindström": 50,
        "Yusuf Al-Hassan": 57,
        "Elin Björk": 64,
        "Per Sjögren": 42,
        "Amina Warsame": 49,
        "Göran Häggström": 56,
        "Sofia Ångman": 63,
        "Lars Ekström": 41,
        "Fatima Nouri": 48,
        "Björn Åström": 55,
    }
    busiest = max(batches.values())
    teachers = (
        TeacherEntry(
            name,
            "everything at once: four pages of 20" if count == busiest else "exams",
            batches=count,
            statuses=_EXAMS,
            classes=_EXAM_CLASSES,
        )
        for name, count in batches.items()
    )
    about = (
        "The week before grades are due. Many teachers, each with dozens of batches, most of them still being"
        " processed."
    )
    return scenario_of("exam-week", about, map(part_of, teachers))


def _everything_failing() -> Scenario:
    failing = (
        ("Karin Öberg", "503 with Retry-After", "status=503 retry-after=5"),
        ("Anders Åkerlund", "500, as RAS answers it", "status=500"),
        ("Maja Lindström", "429: too many requests", "status=429 retry-after=2"),
        ("Yusuf Al-Hassan", "an HTML error page of a proxy", "html=502"),
        ("Elin Björk", "the connection is reset", "reset"),
        ("Per Sjögren", "closed without a response", "empty"),
        ("Amina Warsame", "cut off in the middle of the body", "truncate"),
        ("Göran Häggström", "200 that is not JSON", "malformed"),
        ("Sofia Ångman", "200 outside the contract", "violation"),
        ("Lars Ekström", "half a minute late", "latency=30s"),
        ("Fatima Nouri", "a byte every quarter of a second", "drip=250ms"),
        ("Björn Åström", "half of the responses fail", "status=503 rate=0.5"),
    )
    parts = [
        part_of(TeacherEntry(name, purpose, batches=3, classes=(_SWEDISH,), fault=fault))
        for name, purpose, fault in failing
    ]
    health = parse_route("GET /healthz", {name: provider.name for name, provider in BY_NAME.items()})
    about = (
        "Every request about one of these teachers fails, each teacher's in another way; and neither service is"
        " healthy."
    )
    return scenario_of("everything-failing", about, [*parts, Part(faults=armed("status=503", health))])


_MAKERS: Final[Mapping[str, Callable[[], Scenario]]] = {
    "default": _default,
    "empty-school": _empty_school,
    "everything-failing": _everything_failing,
    "exam-week": _exam_week,
}


def shipped_scenarios() -> tuple[str, ...]:
    """The names of the scenarios in this package."""
    return tuple(_MAKERS)


def find_scenario(name: str) -> Scenario:
    """A shipped scenario by its name, or one of a file by its path.

    Raises:
        ScenarioError: There is no such scenario, or it cannot be used.
    """
    make = _MAKERS.get(name)
    if make is not None:
        return make()
    if not name.endswith(_SUFFIXES):
        message = f"no scenario {name!r}; {meant(name, _MAKERS)}; or the path of a .yaml file"
        raise ScenarioError(message)
    with needs_extras("mock", error=ScenarioError):
        from bff_mock_server.world.scenarios.files import read_file  # noqa: PLC0415  # Pydantic and YAML
    return read_file(name)
