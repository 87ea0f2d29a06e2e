"""Mocks of RAS and CMS that are generated from the contracts of the BFF Teacher Service."""

from bff_contracts.pact_file import PactError
from bff_mock_server.asgi import BackendApp
from bff_mock_server.backend import Backend
from bff_mock_server.scenarios import Scenario, StateCall, Teacher, default_scenario
from bff_mock_server.world import StateError, World

__all__ = [
    "Backend",
    "BackendApp",
    "PactError",
    "Scenario",
    "StateCall",
    "StateError",
    "Teacher",
    "World",
    "default_scenario",
]
