"""The whole life with a broker, in the order of docs/ci.md: both providers, and a failure at every step."""

import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import respx

from bff_contracts.broker.publishing import Publication, publish
from bff_contracts.cli.command import main
from bff_contracts.pact.file import Pact, read_pact, shipped_pacts
from bff_contracts.platform import CMS, RAS
from tests.contracts.broker.conftest import Desk
from tests.contracts.broker.test_deployment import hal
from tests.support.broker_double import Broker, Failure
from tests.support.exemplary import Exemplary
from tests.support.hypercorn_server import on_hypercorn

BFF: Final = "bff-teacher-service"
KEY: Final = "the-real-key-4711"
SHIPPED: Final = {pact.provider: pact for pact in shipped_pacts()}
HOOK: Final = "http://webhook.test/dispatches"


def changed(provider: str, status: int) -> Pact:
    """The contract with a provider that wants another status of its health."""
    document = json.loads(json.dumps(SHIPPED[provider].document))
    for interaction in document["interactions"]:
        if interaction["description"].startswith("health"):
            interaction["response"]["status"] = status
    return read_pact(json.dumps(document), source="a changed contract")


@dataclass
class Life:
    """The three teams, and the broker between them.

    Attributes:
        broker: The broker's double.
        services: RAS and CMS, as they run, and where.
    """

    broker: Broker
    capsys: pytest.CaptureFixture[str]
    services: Mapping[str, tuple[Exemplary, str]] = field(default_factory=dict[str, tuple[Exemplary, str]])
    printed: list[str] = field(default_factory=list[str])

    def run(self, *words: str) -> int:
        """Run a command; returns its exit code."""
        code = main(words)
        reported = self.capsys.readouterr()
        self.printed.append(f"$ {' '.join(words)}\n{reported.out}{reported.err}({code})")
        return code

    def breaks_at_every_step(self, *words: str) -> None:
        """Run a command with each of its requests failing in turn: it exits with 2, and nothing changes."""
        before = self.may_deploy("bff-1")
        failures: tuple[Failure, ...] = ("503", "cut off", "not JSON", "401")
        for step in range(20):
            self.broker.asked.clear()
            self.broker.failures = {step: failures[step % len(failures)]}
            code, reached = self.run(*words), len(self.broker.asked) > step
            self.broker.failures.clear()
            if not reached:
                return
            assert code == 2, self.printed[-1]
            assert self.may_deploy("bff-1") is before
        raise AssertionError(words)

    def may_deploy(self, version: str, of: str = BFF) -> bool:
        code = self.run("can-i-deploy", "--to-environment", "production", "--of", of, "--version", version)
        assert code in {0, 1}, self.printed[-1]
        return code == 0

    def deploys(self, of: str, version: str) -> None:
        words = ("record-deployment", "--environment", "production", "--of", of, "--version", version)
        self.breaks_at_every_step(*words)
        assert self.run(*words) == 0, self.printed[-1]

    def verifies(self, provider: str, version: str, *more: str, branch: str = "main") -> int:
        """Run the commands of a provider's CI; returns the exit code."""
        url = self.services[provider][1]
        words = ["verify", provider, "--url", url, "--states-url", f"{url}/states", "--from-broker", *more]
        return self.run(*words, "--publish-results", "--version", version, "--branch", branch)

    def publishes(self, version: str, *pacts: Pact) -> None:
        """The contracts of another version of this package."""
        publish(hal(self.broker), Publication(version, "main", pacts))


@pytest.fixture
def life(
    broker: Broker, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Life]:
    for name, value in {**desk.variables, "HULEEDU_INTERNAL_API_KEY": KEY, "PACT_BROKER_TOKEN": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(desk.folder)
    before = signal.getsignal(signal.SIGTERM)
    services = {provider: Exemplary(pact.document, key=KEY) for provider, pact in SHIPPED.items()}
    with on_hypercorn(services[RAS]) as ras, on_hypercorn(services[CMS]) as cms:
        yield Life(broker, capsys, {RAS: (services[RAS], ras), CMS: (services[CMS], cms)})
    signal.signal(signal.SIGTERM, before)


def begins(life: Life) -> None:
    """From a fresh database to the first deployment."""
    assert life.run("can-i-deploy", "--to-environment", "production", "--version", "bff-1") == 1  # the BFF is unknown
    assert life.verifies(CMS, "cms-1") == 2  # there is nothing to verify
    life.breaks_at_every_step("publish", "--version", "bff-1", "--branch", "main")
    assert life.run("publish", "--version", "bff-1", "--branch", "main") == 0
    assert not life.may_deploy("bff-1")  # it is not verified
    assert life.verifies(CMS, "cms-1") == 0
    assert not life.may_deploy("bff-1")  # RAS has not
    assert life.verifies(RAS, "ras-1") == 0
    assert not life.may_deploy("bff-1")  # neither is in production
    assert life.may_deploy("cms-1", CMS)
    life.deploys(CMS, "cms-1")
    assert not life.may_deploy("bff-1")
    life.deploys(RAS, "ras-1")
    assert life.may_deploy("bff-1")
    life.deploys(BFF, "bff-1")


def webhook_made(life: Life) -> None:
    request = {
        "method": "POST",
        "url": HOOK,
        "headers": {"Content-Type": "application/json"},
        "body": {"client_payload": {"sha": "${pactbroker.providerVersionNumber}", "url": "${pactbroker.pactUrl}"}},
    }
    events = [{"name": "contract_requiring_verification_published"}]
    body = {"provider": {"name": CMS}, "description": "verify", "events": events, "request": request}
    hal(life.broker).send("POST", f"{life.broker.url}/webhooks", body)


def wishes(life: Life) -> None:
    """A contract that CMS does not keep yet is pending, arrives by webhook, is superseded, and is kept at last."""
    webhook_made(life)
    life.publishes("bff-2", changed(CMS, 204), SHIPPED[RAS])
    assert not life.may_deploy("bff-2")
    assert life.verifies(CMS, "cms-2") == 0  # it is pending, and the result is a failure
    assert not life.may_deploy("bff-2")
    assert life.may_deploy("bff-1")
    payload = delivered(life)
    assert payload["sha"] == "cms-1"
    life.publishes("bff-3", changed(CMS, 202), SHIPPED[RAS])
    life.services[CMS][0].document = changed(CMS, 204).document
    assert life.verifies(CMS, payload["sha"], "--pact-url", payload["url"]) == 0  # bff-2, which bff-3 has superseded
    assert life.may_deploy("bff-2")
    assert not life.may_deploy("bff-3")
    life.deploys(BFF, "bff-2")


def delivered(life: Life) -> dict[str, str]:
    """The webhook's request, some seconds after the publication."""
    with respx.mock(assert_all_called=False) as router:
        router.post(HOOK).respond(204)
        (sent, *_) = life.broker.deliver()
    payload: dict[str, Any] = json.loads(sent.content)
    return {name: str(value) for name, value in payload["client_payload"].items()}


def fails(life: Life) -> None:
    """A version of CMS that does not keep what is deployed fails its build, and may not be deployed."""
    life.services[CMS][0].document = SHIPPED[CMS].document
    assert life.verifies(CMS, "cms-3") == 1
    assert not life.may_deploy("cms-3", CMS)
    life.services[CMS][0].document = changed(CMS, 204).document
    url = life.services[CMS][1]
    words = ("verify", "cms", "--url", url, "--states-url", f"{url}/states", "--from-broker", "--publish-results")
    life.breaks_at_every_step(*words, "--version", "cms-4", "--branch", "main")
    assert life.verifies(CMS, "cms-4") == 0
    assert life.may_deploy("cms-4", CMS)
    life.deploys(CMS, "cms-4")
    assert life.may_deploy("bff-2")


def lacks_one(life: Life) -> None:
    """A version that lacks a contract may not be deployed, even if the broker allows it."""
    life.publishes("bff-4", changed(CMS, 204))
    assert not life.may_deploy("bff-4")
    life.publishes("bff-4", SHIPPED[RAS])
    assert life.may_deploy("bff-4")


@pytest.mark.slow("runs some two hundred commands")
def test_the_whole_life(life: Life) -> None:
    for chapter in (begins, wishes, fails, lacks_one):
        chapter(life)

    assert not life.broker.received(KEY)
    assert not any(KEY in text for text in life.printed)
