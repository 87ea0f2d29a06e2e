"""Ready-made worlds: lists of provider states, in the vocabulary that the contracts and provider teams use."""

from bff_mock_server.scenarios.default import default_scenario
from bff_mock_server.scenarios.model import Scenario, StateCall, Teacher

__all__ = ["Scenario", "StateCall", "Teacher", "default_scenario"]
