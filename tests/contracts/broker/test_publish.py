"""`bff-contracts publish`: all contracts of a version or none, on the double of the broker."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bff_contracts.pact.file import shipped_pacts
from bff_contracts.platform import CMS, RAS
from tests.contracts.broker.conftest import Desk, git
from tests.support.broker_double import READER, WRITER, Broker
from tests.support.golden import Golden

BFF = "bff-teacher-service"
PUBLISH = "/contracts/publish"


def contracts(body: Any) -> list[Any]:
    return [json.loads(base64.b64decode(each["content"])) for each in body["contracts"]]


def test_one_request_has_every_contract_as_those_of_this_commit_and_branch(broker: Broker, desk: Desk) -> None:
    done = desk.run("publish", "--tag", "a", "--tag", "b", "--build-url", "https://ci.test/7")
    (sent,) = broker.sent("POST", PUBLISH)

    assert done.returncode == 0, done.stdout + done.stderr
    assert contracts(sent) == [pact.document for pact in shipped_pacts()]
    assert sent["pacticipantVersionNumber"] == git(desk.folder, "rev-parse", "HEAD")
    assert (sent["branch"], sent["tags"], sent["buildUrl"]) == ("new-endpoint", ["a", "b"], "https://ci.test/7")
    assert done.stdout.count("Pact successfully published for bff-teacher-service") == 2
    assert {each.provider for each in broker.state.published} == {CMS, RAS}


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        pytest.param([], {"GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main"}, "main", id="github"),
        pytest.param([], {"GITHUB_HEAD_REF": "fix", "GITHUB_REF_NAME": "7/merge"}, "fix", id="pull-request"),
        pytest.param([], {"CI_COMMIT_BRANCH": "trunk"}, "trunk", id="gitlab"),
        pytest.param(["--branch", "given"], {"GITHUB_REF_NAME": "main"}, "given", id="argument"),
    ],
)
def test_the_branch_is_what_the_ci_says(
    broker: Broker, desk: Desk, words: list[str], variables: dict[str, str], expected: str
) -> None:
    git(desk.folder, "checkout", "--quiet", "--detach")
    done = desk.run("publish", "--version", "v1", *words, **variables)
    (sent,) = broker.sent("POST", PUBLISH)

    assert done.returncode == 0, done.stderr
    assert (sent["branch"], sent["pacticipantVersionNumber"]) == (expected, "v1")


def test_publishing_the_same_contracts_again_succeeds(desk: Desk) -> None:
    again = [desk.run("publish", "--version", "v1") for _ in range(2)][-1]

    assert again.returncode == 0
    assert again.stdout.count("with no content changes") == 2


def test_a_changed_contract_of_a_version_is_refused_with_its_difference(broker: Broker, desk: Desk) -> None:
    """Words in a contract are not mistaken for an error about the credentials."""
    desk.run("publish", "--version", "v1")
    for published in broker.state.published:
        content = json.loads(json.dumps(broker.state.contents[published.content]))
        content["interactions"][0]["description"] = "refused: 401 Unauthorized, HAL response"
        published.content = "changed"
        broker.state.contents["changed"] = content
    done = desk.run("publish", "--version", "v1")

    assert done.returncode == 1
    assert "refuses: Cannot change the content of the pact for bff-teacher-service version v1" in done.stderr
    assert '-      "description": "refused: 401 Unauthorized, HAL response"' in done.stderr


def test_a_blank_version_is_refused(desk: Desk, golden: Golden) -> None:
    done = desk.run("publish", "--version", " ")

    assert done.returncode == 1
    golden.check(done.stderr)


def test_a_reader_may_not_publish(desk: Desk, golden: Golden) -> None:
    done = desk.run("publish", PACT_BROKER_USERNAME=READER[0], PACT_BROKER_PASSWORD=READER[1])

    assert done.returncode == 2
    golden.check(done.stderr)


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(broker: Broker, desk: Desk, golden: Golden) -> None:
    (desk.folder / "draft").write_text("", encoding="utf-8")
    done = desk.run("publish", "--dry-run", "--tag", "rc")

    assert (done.returncode, broker.asked) == (0, [])
    for pact in shipped_pacts():
        assert f"{BFF} and {pact.provider}, {len(pact.interactions)} interactions" in done.stdout
    assert git(desk.folder, "rev-parse", "HEAD") in done.stdout
    golden.check(re.sub(r"\d+ interactions", "N interactions", done.stdout))


def test_a_dirty_tree_is_refused(broker: Broker, desk: Desk, golden: Golden) -> None:
    (desk.folder / "README").write_text("changed\n", encoding="utf-8")
    done = desk.run("publish")

    assert (done.returncode, broker.asked) == (2, [])
    golden.check(done.stderr)


def test_a_detached_commit_has_no_branch(desk: Desk, golden: Golden) -> None:
    git(desk.folder, "checkout", "--quiet", "--detach")
    done = desk.run("publish")

    assert done.returncode == 2
    golden.check(done.stderr)


def test_outside_of_a_checkout_the_version_has_to_be_given(desk: Desk, tmp_path: Path, golden: Golden) -> None:
    done = Desk(tmp_path, desk.variables).run("can-i-deploy", "--to-environment", "production")

    assert done.returncode == 2
    golden.check(done.stderr)


def test_the_password_is_in_no_output(broker: Broker, desk: Desk) -> None:
    done = desk.run("-v", "publish")

    assert broker.asked
    assert WRITER[1] not in done.stdout + done.stderr
