"""A key that a provider echoes: nothing that is printed, written or published contains it."""

import base64
import html
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.contracts.broker.conftest import Team
from tests.contracts.broker.verifying import CLASSES, PUBLISH, only, put, results_of
from tests.support.broker_double import Broker

KEY: Final = 'real/key+"4711"<&>'


def echo(kind: str, body: Any, key: str) -> Any:
    """The response, with the key where a text was."""
    spelled = {
        "upper": key.upper(),
        "base64": base64.b64encode(key.encode()).decode(),
        "nested": json.dumps({"key": json.dumps(key)}),
        "url": quote(key),
        "html": html.escape(key),
        "hex": key.encode().hex(),
    }.get(kind, f"sent {key}")
    if kind == "text":
        return spelled
    if kind == "name":
        return {key: 1}
    return {batch: dict.fromkeys(entry, spelled) for batch, entry in body.items()}


KINDS: Final = ("value", "name", "upper", "base64", "nested", "url", "html", "hex", "text")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_the_provider_echoes_never_leaves_the_machine(
    broker: Broker, team: Team, tmp_path: Path, kind: str
) -> None:
    put(broker, "bff-1", only(CLASSES))
    team.provider.key = KEY
    team.provider.spoil = lambda body, key: echo(kind, body, key)
    team.provider.echoes = True
    files = [tmp_path / "junit.xml", tmp_path / "report.json"]
    arguments = ["--junit", str(files[0]), "--json", str(files[1])]
    done = team.desk.run(
        "-v",
        *["verify", "cms", "--url", team.url, "--states-url", f"{team.url}/states", "--from-broker"],
        *PUBLISH,
        *arguments,
        HULEEDU_INTERNAL_API_KEY=KEY,
    )
    reported = "".join([done.stdout, done.stderr, *(file.read_text(encoding="utf-8") for file in files)])

    assert [each["success"] for each in results_of(broker)] == [False], done.stdout + done.stderr
    assert "[the key]" in reported
    for secret in ("4711", base64.b64encode(KEY.encode()).decode()[:12], KEY.encode().hex()[:12]):
        assert secret.casefold() not in reported.casefold()
        assert not broker.received(secret)
