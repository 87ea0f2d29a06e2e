"""Scenarios: lists of provider states, in the vocabulary that the contracts and provider teams use."""

from bff_mock_server.world.scenarios.document import ScenarioError
from bff_mock_server.world.scenarios.files import find_scenario, read_scenario, shipped_scenarios
from bff_mock_server.world.scenarios.model import Scenario, StateCall, Teacher

__all__ = [
    "Scenario",
    "ScenarioError",
    "StateCall",
    "Teacher",
    "find_scenario",
    "read_scenario",
    "shipped_scenarios",
]
