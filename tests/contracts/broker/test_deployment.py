"""`bff-contracts can-i-deploy` and `record-deployment`, on the double of the broker."""

import subprocess
from collections.abc import Mapping

import httpx
import pytest
from pydantic import SecretStr

from bff_contracts.broker.access import Broker as Where
from bff_contracts.broker.deployment import DeploymentVerdict, Row
from bff_contracts.broker.hal import Hal
from bff_contracts.broker.publishing import Publication, publish
from bff_contracts.cli import at_broker
from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, RAS
from tests.contracts.broker.conftest import COMMAND, Desk
from tests.support.broker_double import WRITER, Broker
from tests.support.golden import Golden

BFF = "bff-teacher-service"
ASK = ("can-i-deploy", "--to-environment", "production", "--version", "v1")


def hal(broker: Broker) -> Hal:
    return Hal(Where(base_url=broker.url, username=WRITER[0], password=SecretStr(WRITER[1])), seconds=10.0)


def published(broker: Broker, *providers: str, version: str = "v1") -> None:
    pacts = [pact for pact in shipped_pacts() if pact.provider in providers]
    publish(hal(broker), Publication(version, "main", pacts))
    broker.forget()


def verified(broker: Broker, results: Mapping[str, bool], *, deployed: bool = True) -> None:
    """Have versions of providers verified, and perhaps deployed."""
    for provider, success in results.items():
        version, _ = broker.state.put_version(provider, f"{provider}-1", "main")
        contract = next(each for each in broker.state.published if each.provider == provider)
        broker.state.add_result(version, contract.content, success)
        production = broker.state.environment("production")
        if deployed and production:
            broker.state.deploy(version, production)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        pytest.param({CMS: True, RAS: True}, 0, id="kept"),
        pytest.param({CMS: True, RAS: False}, 1, id="one-failed"),
        pytest.param({CMS: True}, 1, id="one-unknown"),
        pytest.param({}, 1, id="none-known"),
    ],
)
def test_can_i_deploy_says_what_the_broker_says(
    broker: Broker, desk: Desk, results: dict[str, bool], code: int, golden: Golden
) -> None:
    published(broker, CMS, RAS)
    verified(broker, results)
    done = desk.run(*ASK)

    assert done.returncode == code, done.stdout + done.stderr
    for provider, success in results.items():
        assert f"  {'verified' if success else 'FAILED  '} {BFF} v1 and {provider} {provider}-1\n" in done.stdout
    golden.check(done.stdout)


@pytest.mark.parametrize("there", [[], [CMS], [RAS]], ids=["none", "cms-only", "ras-only"])
def test_a_version_that_lacks_a_contract_is_not_deployable_even_if_the_broker_says_so(
    broker: Broker, desk: Desk, there: list[str], golden: Golden
) -> None:
    broker.state.put_version(BFF, "v1", "main")
    if there:
        published(broker, *there)
    verified(broker, dict.fromkeys(there, True))
    raw = httpx.get(
        f"{broker.url}/matrix?q[][pacticipant]={BFF}&q[][version]=v1&latestby=cvpv&environment=production", auth=WRITER
    )
    done = desk.run(*ASK, "--wait", "300")

    assert raw.json()["summary"]["deployable"] is True
    assert done.returncode == 1
    golden.check(done.stdout)


def test_a_final_verdict_is_not_waited_for(broker: Broker, desk: Desk, golden: Golden) -> None:
    published(broker, CMS)
    done = desk.run(*ASK, "--wait", "300")

    assert done.returncode == 1
    assert [each.path for each in broker.asked].count("/matrix") == 1
    golden.check(done.stdout)


@pytest.mark.parametrize("success", [None, False])
def test_a_deployable_verdict_needs_a_verified_result_for_each_contract(success: bool | None) -> None:  # noqa: FBT001  # a row of the table
    kept, other = (Row(BFF, "v1", provider, "1", success=each) for provider, each in ((CMS, True), (RAS, success)))

    assert DeploymentVerdict(deployable=True, reasons=(), rows=[kept], missing=()).yes
    assert not DeploymentVerdict(deployable=True, reasons=(), rows=[kept, other], missing=()).yes
    assert not DeploymentVerdict(deployable=True, reasons=(), rows=[kept], missing=[RAS]).yes


def test_an_unpublished_version_is_not_deployable(broker: Broker, desk: Desk, golden: Golden) -> None:
    published(broker, CMS, RAS)
    done = desk.run("can-i-deploy", "--to-environment", "production", "--version", "never")

    assert done.returncode == 1
    golden.check(done.stdout)


class Clock:
    """What `at_broker` uses of `time`, without the waiting."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_it_asks_again_while_verifications_are_under_way(
    broker: Broker, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(at_broker, "time", clock)
    published(broker, CMS, RAS)
    done = desk.run(*ASK, "--wait", "12")

    assert done.returncode == 1
    assert clock.now == 12
    assert [each.path for each in broker.asked].count("/matrix") == 4  # after 0, 5, 10 and 12 seconds


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--to-environment", "nosuch"), id="environment"),
        pytest.param(("--to-environment", "production", "--of", "cms"), id="participant"),
    ],
)
def test_an_unknown_environment_or_participant_ends_the_wait_at_once(
    broker: Broker, desk: Desk, words: tuple[str, ...], golden: Golden
) -> None:
    published(broker, RAS)
    done = desk.run("can-i-deploy", *words, "--version", "v1", "--wait", "300")

    assert done.returncode == 1
    assert [each.path for each in broker.asked].count("/matrix") == 1
    golden.check(done.stderr)


@pytest.mark.parametrize("command", [("can-i-deploy", "--to-environment"), ("record-deployment", "--environment")])
def test_the_participant_is_expanded_and_checked(
    broker: Broker, desk: Desk, command: tuple[str, str], golden: Golden
) -> None:
    published(broker, CMS, RAS)
    verified(broker, {CMS: True})
    short = desk.run(*command, "production", "--of", "cms", "--version", f"{CMS}-1")
    asked = list(broker.asked)
    nobody = desk.run(*command, "production", "--of", "nobody", "--version", "1")

    assert short.returncode == 0, short.stdout + short.stderr
    assert any(CMS in each.target for each in asked)
    assert nobody.returncode == 2
    assert broker.asked == asked
    golden.check(nobody.stderr)


def test_a_provider_without_deployed_consumers_may_be_deployed(broker: Broker, desk: Desk) -> None:
    published(broker, CMS, RAS)
    verified(broker, {CMS: True}, deployed=False)
    done = desk.run("can-i-deploy", "--to-environment", "production", "--of", "cms", "--version", f"{CMS}-1")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_deployment_is_recorded_once(broker: Broker, desk: Desk, golden: Golden) -> None:
    published(broker, CMS, RAS)
    done = [desk.run("record-deployment", "--environment", "production", "--version", "v1") for _ in range(2)]

    assert [each.returncode for each in done] == [0, 0], done
    assert [each.version.number for each in broker.state.deployed(BFF, "production")] == ["v1"]
    golden.check(done[0].stdout)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--version", "never"), id="version"),
        pytest.param(("--of", "ras"), id="participant"),
        pytest.param(("--environment", "nosuch"), id="environment"),
    ],
)
def test_an_unknown_version_or_environment_is_not_recorded(
    broker: Broker, desk: Desk, words: tuple[str, ...], golden: Golden
) -> None:
    published(broker, CMS)
    done = desk.run("record-deployment", "--environment", "production", "--version", "v1", *words)

    assert done.returncode == 1
    golden.check(done.stderr)


def test_a_version_with_odd_characters_is_one_segment_of_the_path(broker: Broker, desk: Desk) -> None:
    published(broker, CMS, RAS, version="feat/a b?c#d%2F")
    done = desk.run("record-deployment", "--environment", "production", "--version", "feat/a b?c#d%2F")

    assert done.returncode == 0, done.stderr


def test_a_wait_can_be_ended(broker: Broker, desk: Desk) -> None:
    published(broker, CMS, RAS)
    environment = {**desk.variables, "PATH": "/usr/bin:/bin"}
    command = [str(COMMAND), *ASK, "--wait", "300"]
    with subprocess.Popen(command, cwd=desk.folder, env=environment, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        broker.wait_for("/matrix")
        process.terminate()

    assert process.wait(30) == 143
