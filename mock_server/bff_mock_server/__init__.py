"""Mocks of RAS and CMS that are generated from the contracts of the BFF Teacher Service."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bff_contracts.pact.file import PactError
    from bff_mock_server.answering.backend import Backend
    from bff_mock_server.answering.coverage import Use
    from bff_mock_server.answering.exchange import Exchange
    from bff_mock_server.answering.mock import Mock, UnknownProviderError
    from bff_mock_server.faults.spec import Armed, FaultError
    from bff_mock_server.serving.app import MockApp
    from bff_mock_server.testing import Backends, a_batch, in_process, mocked_pact, serve
    from bff_mock_server.world.rows import StateError
    from bff_mock_server.world.scenarios import (
        Scenario,
        ScenarioError,
        StateCall,
        Teacher,
        find_scenario,
    )
    from bff_mock_server.world.scenarios.files import read_scenario

_HOMES = {
    "Armed": "bff_mock_server.faults.spec",
    "Backend": "bff_mock_server.answering.backend",
    "Backends": "bff_mock_server.testing",
    "Exchange": "bff_mock_server.answering.exchange",
    "FaultError": "bff_mock_server.faults.spec",
    "Mock": "bff_mock_server.answering.mock",
    "MockApp": "bff_mock_server.serving.app",
    "PactError": "bff_contracts.pact.file",
    "Scenario": "bff_mock_server.world.scenarios",
    "ScenarioError": "bff_mock_server.world.scenarios",
    "StateCall": "bff_mock_server.world.scenarios",
    "StateError": "bff_mock_server.world.rows",
    "Teacher": "bff_mock_server.world.scenarios",
    "UnknownProviderError": "bff_mock_server.answering.mock",
    "Use": "bff_mock_server.answering.coverage",
    "a_batch": "bff_mock_server.testing",
    "find_scenario": "bff_mock_server.world.scenarios",
    "in_process": "bff_mock_server.testing",
    "mocked_pact": "bff_mock_server.testing",
    "read_scenario": "bff_mock_server.world.scenarios.files",
    "serve": "bff_mock_server.testing",
}

__all__ = [
    "Armed",
    "Backend",
    "Backends",
    "Exchange",
    "FaultError",
    "Mock",
    "MockApp",
    "PactError",
    "Scenario",
    "ScenarioError",
    "StateCall",
    "StateError",
    "Teacher",
    "UnknownProviderError",
    "Use",
    "a_batch",
    "find_scenario",
    "in_process",
    "mocked_pact",
    "read_scenario",
    "serve",
]


def __getattr__(name: str) -> Any:
    # The pytest plugin lives in this package and is loaded in every environment that has it: names load on demand.
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from bff_contracts.platform import needs_extras  # noqa: PLC0415  # as the others

    with needs_extras("testing", error=ModuleNotFoundError):
        return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
