"""Makes a scenario out of teachers and their number of batches, provider states, and faults."""

from collections.abc import Iterable
from typing import NamedTuple

from bff_contracts.state_names import (
    BATCHES_HAVE_CLASSES,
    BATCHES_HAVE_STUDENT_NAMES,
    BATCHES_HAVE_VALIDATIONS,
    USER_HAS_BATCHES,
    InternalStatus,
)
from bff_mock_server.faults.spec import Armed, FaultError, Route, parse_faults
from bff_mock_server.world.scenarios.model import Scenario, StateCall, Teacher
from bff_mock_server.world.scenarios.school import Classes, StudentNames, TeachersBatches, Validations, teacher_id


class TeacherEntry(NamedTuple):
    """A teacher of a school that is made up.

    Attributes:
        name: Their name.
        purpose: What to use this teacher for.
        user_id: Their id at RAS; by default one that follows from the name.
        batches: The number of their batches.
        statuses: The internal statuses of these, in turn.
        classes: The names of their classes, in turn; `None` for no class.
        fault: A fault of every request about the teacher or one of the batches.
    """

    name: str
    purpose: str = ""
    user_id: str | None = None
    batches: int = 0
    statuses: tuple[InternalStatus, ...] = ("completed_successfully",)
    classes: tuple[str | None, ...] = (None,)
    fault: str | None = None

    @property
    def id(self) -> str:
        """Their id at RAS."""
        return self.user_id or teacher_id(self.name)


class Part(NamedTuple):
    """What one entry adds to a scenario."""

    states: tuple[StateCall, ...] = ()
    faults: tuple[Armed, ...] = ()
    teacher: Teacher | None = None


def part_of(teacher: TeacherEntry, place: str = "") -> Part:
    """A teacher, their states and their fault; `place` as in `Armed`.

    Raises:
        FaultError: The fault is invalid.
    """
    batches = TeachersBatches(teacher.id, teacher.batches, teacher.statuses)
    states = [StateCall(USER_HAS_BATCHES, batches)]
    if teacher.batches:
        states += [
            StateCall(BATCHES_HAVE_CLASSES, Classes(batches, teacher.classes)),
            StateCall(BATCHES_HAVE_VALIDATIONS, Validations(batches, teacher.classes)),
            StateCall(BATCHES_HAVE_STUDENT_NAMES, StudentNames(batches, teacher.classes)),
        ]
    about = frozenset({teacher.id, *batches.batch_ids}) if teacher.fault is not None else frozenset[str]()
    faults = armed(teacher.fault, Route(about=about), place)
    return Part(tuple(states), faults, Teacher(teacher.id, teacher.name, teacher.purpose, teacher.batches))


def armed(text: str | None, route: Route, place: str = "") -> tuple[Armed, ...]:
    """The faults of an entry on their route; none for `None`.

    Raises:
        FaultError: They are invalid, or arm nothing.
    """
    if text is None:
        return ()
    faults = parse_faults(text)
    if not faults:
        message = f"{text!r} arms nothing; leave it out"
        raise FaultError(message)
    return (Armed(route, faults, place=place),)


def scenario_of(name: str, about: str, parts: Iterable[Part]) -> Scenario:
    """The scenario with these parts."""
    parts = tuple(parts)
    return Scenario(
        name=name,
        teachers=tuple(part.teacher for part in parts if part.teacher is not None),
        states=tuple(state for part in parts for state in part.states),
        faults=tuple(fault for part in parts for fault in part.faults),
        about=about,
    )
