"""Defines a scenario."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bff_contracts.states import BatchesHaveStudentNames
from bff_mock_server.faults.spec import Armed
from bff_mock_server.world.changes import RowsDraft
from bff_mock_server.world.rows import Rows, validated
from bff_mock_server.world.scenarios.school import StudentNames, TeachersBatches
from bff_mock_server.world.world import World


@dataclass(frozen=True, slots=True)
class Teacher:
    """A user of a scenario.

    Attributes:
        user_id: What RAS knows them by.
        name: For people who read the banner.
        purpose: What to use this teacher for.
        batches: How many batches they have.
    """

    user_id: str
    name: str
    purpose: str
    batches: int


@dataclass(frozen=True, slots=True)
class StateCall:
    """One provider state with its params."""

    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A world to develop against.

    Attributes:
        name: What it is called on the command line.
        teachers: Its users; the first is the one that examples are about.
        states: What makes it true.
        faults: What goes wrong in it.
        about: What it is good for, in a sentence.
    """

    name: str
    teachers: tuple[Teacher, ...] = ()
    states: tuple[StateCall, ...] = ()
    faults: tuple[Armed, ...] = field(default=(), compare=False)
    about: str = ""

    @cached_property
    def rows(self) -> Rows:
        """The rows that its states make, made once.

        Raises:
            StateError: A state is not in the catalogue, or its params are wrong.
        """
        draft = RowsDraft(Rows())
        for state in self.states:
            match state.params:
                case TeachersBatches():
                    draft.set_user(state.params.user_id, state.params.answers())
                case StudentNames():
                    draft.know(BatchesHaveStudentNames, state.params.facts())
                case _:
                    draft.apply(validated(state.name, state.params))
        return draft.rows()

    def is_like(self, other: "Scenario") -> bool:
        """Whether both say the same."""
        mine, theirs = ([armed.identity for armed in one.faults] for one in (self, other))
        return self == other and mine == theirs

    def build(self, *, seed: str = "0") -> World:
        """A new world in which the scenario stands, and to which every teardown comes back.

        Raises:
            StateError: As `rows`.
        """
        return World(self.rows, faults=(armed.rearmed() for armed in self.faults), seed=seed)
