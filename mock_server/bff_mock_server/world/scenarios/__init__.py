"""Scenarios: lists of provider states, in the vocabulary that the contracts and provider teams use."""

from bff_mock_server.world.scenarios.model import Scenario, ScenarioError, StateCall, Teacher
from bff_mock_server.world.scenarios.shipped import find_scenario, shipped_scenarios

__all__ = [
    "Scenario",
    "ScenarioError",
    "StateCall",
    "Teacher",
    "find_scenario",
    "shipped_scenarios",
]
