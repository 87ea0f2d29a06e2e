"""Brokers that cannot be asked: not there, not brokers, locked, broken or silent; at each step of each command."""

import signal
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bff_contracts.cli.command import main
from bff_contracts.platform import CMS, RAS
from tests.contracts.broker.conftest import Desk
from tests.contracts.broker.test_deployment import published
from tests.support.broker_double import READER, TOKEN, WRITER, Broker, Failure, broker_double
from tests.support.golden import Golden

ASKING = {
    "publish": ["publish", "--version", "v2", "--branch", "main"],
    "can-i-deploy": ["can-i-deploy", "--to-environment", "production", "--version", "v1"],
    "record-deployment": ["record-deployment", "--environment", "production", "--version", "v1"],
}
STEPS = {"publish": 2, "can-i-deploy": 2, "record-deployment": 3}
FAILURES: tuple[Failure, ...] = ("503", "401", "not JSON", "cut off", "hang")
VARIABLES = ("BASE_URL", "TOKEN", "USERNAME", "PASSWORD")


@pytest.fixture
def here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The command can be run in this process, in a checkout."""
    for name in VARIABLES:
        monkeypatch.delenv(f"PACT_BROKER_{name}", raising=False)
    for name, value in desk.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(desk.folder)
    before = signal.getsignal(signal.SIGTERM)
    yield monkeypatch
    signal.signal(signal.SIGTERM, before)


EACH_STEP = [(command, step) for command, count in STEPS.items() for step in range(count)]
BREAKS = [
    pytest.param(
        *(command, step, failure),
        id=f"{command}-{step}-{failure}",
        marks=pytest.mark.slow("waits for its time limit")
        if failure == "hang" and (command, step) != ("publish", 0)
        else (),
    )
    for command, step in EACH_STEP
    for failure in FAILURES
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("command", "step", "failure"), BREAKS)
def test_a_failed_response_is_neither_success_nor_refusal(
    broker: Broker, command: str, step: int, failure: Failure, capsys: pytest.CaptureFixture[str]
) -> None:
    published(broker, CMS, RAS)
    broker.failures[step] = failure
    limit = ["--time-limit", "5" if step else "2"] if failure == "hang" else []  # the steps before take time, too
    code = main([*ASKING[command], *limit])
    reported = capsys.readouterr()

    assert code == 2, reported
    assert reported.err.startswith("bff-contracts: ")
    assert "unexpected" not in reported.err
    assert len(broker.asked) == step + 1
    assert {each.version.number for each in broker.state.published} == {"v1"}
    assert not list(broker.state.deployed())
    assert WRITER[1] not in reported.out + reported.err


def test_each_command_has_as_many_steps(broker: Broker, here: pytest.MonkeyPatch) -> None:
    asked: dict[str, int] = {}
    for command, words in ASKING.items():
        published(broker, CMS, RAS)
        main(words)
        asked[command] = len(broker.asked)

    assert here
    assert asked == STEPS


# Credentials


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize(
    ("token", "username", "password"),
    [
        pytest.param("", WRITER[0], "wrong", id="wrong"),
        pytest.param(TOKEN, "", "", id="token"),
        pytest.param(TOKEN, *WRITER, id="token-too"),
        pytest.param("", "", "", id="none"),
        pytest.param("", WRITER[0], "", id="half"),
        pytest.param("", "", WRITER[1], id="other-half"),
    ],
)
def test_wrong_credentials_are_named(
    command: str,
    token: str,
    username: str,
    password: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    golden: Golden,
) -> None:
    for name, value in (("TOKEN", token), ("USERNAME", username), ("PASSWORD", password)):
        monkeypatch.setenv(f"PACT_BROKER_{name}", value)
    code = main(ASKING[command])
    reported = capsys.readouterr()

    assert code == 2
    assert TOKEN not in reported.err
    assert WRITER[1] not in reported.err
    golden.check(reported.err)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", ["publish", "record-deployment"])
def test_an_empty_token_is_ignored(
    broker: Broker, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub passes an unset secret as an empty text."""
    published(broker, CMS, RAS)
    monkeypatch.setenv("PACT_BROKER_TOKEN", "")

    assert main(ASKING[command]) == 0, capsys.readouterr()
    assert {each.headers["authorization"].partition(" ")[0] for each in broker.asked} == {"Basic"}


@pytest.mark.usefixtures("here")
def test_a_reader_may_ask_whether_to_deploy(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    published(broker, CMS, RAS)
    for name, value in zip(("USERNAME", "PASSWORD"), READER, strict=True):
        monkeypatch.setenv(f"PACT_BROKER_{name}", value)

    assert main(ASKING["can-i-deploy"]) == 1
    golden.check(capsys.readouterr().out)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("token", "code"), [(TOKEN, 0), ("wrong", 2)])
def test_a_hosted_broker_takes_the_token(
    token: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    with broker_double(takes_tokens=True) as hosted:
        monkeypatch.setenv("PACT_BROKER_BASE_URL", hosted.url)
        for name, value in (("TOKEN", token), ("USERNAME", ""), ("PASSWORD", "")):
            monkeypatch.setenv(f"PACT_BROKER_{name}", value)
        done = main(ASKING["publish"])

    assert done == code
    golden.check(capsys.readouterr().err)


# Addresses


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize("url", [None, ""])
def test_a_broker_is_required(
    command: str, url: str | None, here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    if url is None:
        here.delenv("PACT_BROKER_BASE_URL")
    else:
        here.setenv("PACT_BROKER_BASE_URL", url)

    assert main(ASKING[command]) == 2
    golden.check(capsys.readouterr().err)


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:1", id="nobody"),
        pytest.param("127.0.0.1:9292", id="scheme"),
        pytest.param("http://h:abc", id="port"),
        pytest.param("http://h/?token=secret", id="query"),
        pytest.param("http://me:secret@h", id="secret"),
    ],
)
def test_an_unusable_address_is_rejected(
    command: str, url: str, here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    here.setenv("PACT_BROKER_BASE_URL", url)
    code, error = main(ASKING[command]), capsys.readouterr().err

    assert code == 2
    assert "secret" not in error
    golden.check(error)


def test_credentials_are_sent_to_the_broker_alone(
    broker: Broker, here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    """A broker behind a proxy may give another address in its links."""
    with broker_double() as other:
        own, broker.url = broker.url, other.url
        code, error = main(ASKING["publish"]), capsys.readouterr().err

        assert here
        assert code == 2
        assert f"{other.url}/contracts/publish" in error
        assert own in error
        assert other.asked == []
        golden.check(error)


@pytest.mark.parametrize(
    "token", ["tok-secret\n", "t\u00e5k-secret", "tok secret"], ids=["line-feed", "not-ascii", "blank"]
)
def test_a_token_that_cannot_be_sent_is_rejected_and_not_shown(
    broker: Broker, token: str, here: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    here.setenv("PACT_BROKER_TOKEN", token)
    code, error = main(ASKING["publish"]), capsys.readouterr().err

    assert (code, broker.asked) == (2, [])
    assert "secret" not in error
    golden.check(error)


@pytest.mark.parametrize(
    "variables",
    [{"HTTP_PROXY": "foo://x"}, {"SSL_CERT_FILE": "/nonexistent"}, {"ALL_PROXY": "socks5://127.0.0.1:1"}],
    ids=lambda each: next(iter(each)),
)
def test_an_unusable_environment_is_reported(desk: Desk, variables: dict[str, str]) -> None:
    done = desk.run(*ASKING["can-i-deploy"], **variables)

    assert done.returncode == 2
    assert "no Pact Broker answers at" in done.stderr
    assert "Traceback" not in done.stderr


# A certificate of its own authority


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that is its own authority, and how a server uses it."""
    file, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=broker"
    subprocess.run(  # noqa: S603
        ["openssl", *words.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", file],  # noqa: S607
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_ssl_cert_file_names_the_authority(
    known: bool,  # noqa: FBT001  # a row of the table
    certificate: tuple[Path, ssl.SSLContext],
    here: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, tls = certificate
    with broker_double(tls=tls) as secure:
        here.setenv("PACT_BROKER_BASE_URL", secure.url)
        if known:
            here.setenv("SSL_CERT_FILE", str(file))
        code, reported = main(ASKING["publish"]), capsys.readouterr()

    assert code == (0 if known else 2), reported
    assert known or "certificate verify failed" in reported.err
