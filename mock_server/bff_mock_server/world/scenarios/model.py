"""Defines a scenario."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from bff_mock_server.faults.spec import Armed
from bff_mock_server.world.changes import RowsDraft
from bff_mock_server.world.rows import Rows
from bff_mock_server.world.scenarios.school import AboutBatches, TeachersBatches
from bff_mock_server.world.world import World, state_of


class ScenarioError(ValueError):
    """A scenario that cannot be used; the message names the file, the line and the field."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A user of a scenario.

    Attributes:
        user_id: Their id at RAS.
        name: Their name, shown in the banner.
        purpose: What to use this teacher for.
        batches: The number of their batches.
    """

    user_id: str
    name: str
    purpose: str
    batches: int


class StateCall(NamedTuple):
    """One provider state with its params."""

    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A world to develop against.

    Attributes:
        name: Its name on the command line.
        teachers: Its users; examples use the first.
        states: Its provider states.
        faults: The faults that are armed in it.
        about: A sentence about its purpose.
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
                    draft.set_user(state.params.user_id, state.params.ras_batches())
                case AboutBatches():
                    draft.know(state.name, state.params.facts())
                case _:
                    state_of(state.name, state.params).apply_to(draft)
        return draft.rows()

    def is_like(self, other: "Scenario") -> bool:
        """Whether both have the same content."""
        mine, theirs = ([armed.identity for armed in one.faults] for one in (self, other))
        return self == other and mine == theirs

    def build(self, *, seed: str = "0") -> World:
        """A new world that starts as the scenario, to which every teardown returns.

        Raises:
            StateError: As `rows`.
        """
        return World(self.rows, faults=(armed.rearmed() for armed in self.faults), seed=seed)
