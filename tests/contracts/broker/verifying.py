"""Contracts in a broker that a provider team verifies, and what came of it."""

import copy
import json
from typing import Any, Final

from bff_contracts.broker.publishing import Publication, publish
from bff_contracts.pact.file import Pact, read_pact, shipped_pacts
from bff_contracts.platform import CMS
from tests.contracts.broker.test_deployment import hal
from tests.support.broker_double import Broker

(CONTRACT,) = (pact.document for pact in shipped_pacts() if pact.provider == CMS)
HEALTH: Final = "health: the service is up"
CLASSES: Final = "classes of batches: all have one"
BFF = "bff-teacher-service"
PUBLISH: Final = ("--publish-results", "--version", "cms-7", "--branch", "classes")


def only(*descriptions: str, status: int | None = None, consumer: str = BFF) -> Pact:
    """The contract with some interactions, which may expect another status, and of another consumer."""
    document: dict[str, Any] = {**copy.deepcopy(dict(CONTRACT)), "consumer": {"name": consumer}}
    document["interactions"] = [each for each in document["interactions"] if each["description"] in descriptions]
    if status is not None:
        for interaction in document["interactions"]:
            interaction["response"]["status"] = status
    return read_pact(json.dumps(document), source="a test")


def put(broker: Broker, version: str, pact: Pact, branch: str = "main") -> None:
    """Have a contract in the broker."""
    publish(hal(broker), Publication(version, branch, [pact]))
    broker.forget()


def results_of(broker: Broker) -> list[Any]:
    return broker.sent("POST", "/verification-results")
