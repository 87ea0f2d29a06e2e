"""The committed pacts are what the consumer tests write, and the checks on them can fail."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest

from bff_contracts.pact.file import Interaction, shipped_pacts
from bff_contracts.pact.json_path import is_object
from bff_contracts.pact.wording import target_of
from bff_contracts.states import BatchRow, moment_of, validate_params
from scripts.contract_pages import FOLDER, pages
from tests.consumer.conftest import COMMITTED
from tests.consumer.recording import Collection, differences


@pytest.mark.slow("runs the consumer tests again; `pdm run drift` does too")
def test_drift(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Both regenerated pacts equal the committed ones, byte for byte.

    In a process of its own, so that it does not depend on which tests run beside it, where, and in which order.
    """
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "-q", "-p", "no:xdist"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

    run = subprocess.run(  # noqa: S603
        [*command, f"--write-pacts={tmp_path}"],
        cwd=pytestconfig.rootpath,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert differences(tmp_path, COMMITTED) == [], "stale pacts: write them with `pdm run contracts`"


def test_drift_of_the_pages() -> None:
    """The pages about the contract equal those that would be generated, and there is no other page."""
    committed = {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for pact in shipped_pacts()
        for path in [FOLDER / f"{pact.provider}.md", *(FOLDER / pact.provider).iterdir()]
    }

    assert committed == pages(), "stale pages: write them with `pdm run contracts`, delete what no endpoint has"


@pytest.mark.parametrize("change", ["edit", "remove", "add"])
def test_drift_is_seen(tmp_path: Path, change: str) -> None:
    """A file that differs, lacks or is too many is named."""
    shutil.copytree(COMMITTED, tmp_path, dirs_exist_ok=True)
    path = min(tmp_path.glob("*.json"))
    if change == "edit":
        path.write_bytes(path.read_bytes() + b"\n")
    elif change == "remove":
        path.unlink()
    else:
        path = tmp_path / "stale.json"
        path.write_text("{}")

    assert differences(tmp_path, COMMITTED) == [path.name]


def test_a_shared_description_is_refused(tmp_path: Path) -> None:
    """The engine keeps one of two interactions with the same description and states, without a word."""
    collection = Collection(tmp_path)
    collection.claim("a provider", "a request", [("a state", {"id": 1})])
    collection.claim("a provider", "a request", [("a state", {"id": 2})])

    with pytest.raises(AssertionError, match="'a request'"):
        collection.claim("a provider", "a request", [("a state", {"id": 1})])


def test_pacts_are_complete() -> None:
    """Descriptions are unique, each endpoint has one shape, and every state is one of the catalogue's."""
    for pact in shipped_pacts():
        descriptions = [interaction.description for interaction in pact.interactions]
        shapes = [one for one in pact.interactions if one.role == "shape"]

        assert len(set(descriptions)) == len(descriptions)
        for interaction in pact.interactions:
            method, path = interaction.request.method, interaction.request.path
            assert len([shape for shape in shapes if shape.is_for(method, path)]) == 1, interaction.description
            for state in interaction.states:
                validate_params(pact.provider, state.name, state.params)


def test_no_request_is_about_different_rows() -> None:
    """A provider that caches would answer the second one with the rows of the first."""
    for pact in shipped_pacts():
        asked: dict[str, str] = {}
        for interaction in pact.interactions:
            if interaction.states:
                target = target_of(interaction)
                assert target not in asked, f"{interaction.description} and {asked[target]} ask {target}"
                asked[target] = interaction.description


Order = Callable[[Any], Any]
LISTS = [
    interaction
    for pact in shipped_pacts()
    for interaction in pact.interactions
    if is_object(interaction.response.body) and len(interaction.response.body.get("batches", ())) > 1
]


@pytest.mark.parametrize("interaction", LISTS, ids=lambda interaction: interaction.description)
def test_no_other_order_gives_the_same_page(interaction: Interaction) -> None:
    """Sorting by another column, in either direction, or not at all, results in another page."""
    user = unquote(interaction.request.path.rpartition("/")[2])
    (rows,) = (state.params["batches"] for state in interaction.states if state.params["user_id"] == user)
    query = {name: values[0] for name, values in interaction.request.query.items()}
    passing = [row for row in rows if query.get("status") in {None, row["internal_status"]}]
    page = slice(int(query["offset"]), int(query["offset"]) + int(query["limit"]))
    wanted = [row["batch_id"] for row in interaction.response.body["batches"]]

    for name, key in ORDERS.items():
        for is_descending in (False, True):
            found = sorted(passing, key=key, reverse=is_descending)[page]
            assert [row["batch_id"] for row in found] != wanted, name

    found = sorted(passing, key=lambda row: moment_of(row["created_at"]), reverse=True)[page]
    assert [row["batch_id"] for row in found] == wanted


def _text_of(name: str) -> Order:
    return lambda row: json.dumps(row[name])


def _stored(_: Any) -> int:
    return 0


def _essays(row: Any) -> int:
    return len(row["essays"])


def _time_of_the_day(row: Any) -> str:
    return str(row["created_at"][11:])


_RIGHT_OR_SELDOM: Final = {"created_at", "processing_started_at", "essays"}
ORDERS: Final[Mapping[str, Order]] = {
    **{name: _text_of(name) for name in BatchRow.model_fields if name not in _RIGHT_OR_SELDOM},
    "as stored": _stored,
    "number of essays": _essays,
    "time of the day": _time_of_the_day,
}


def test_refusals_come_last() -> None:
    """A server that takes the first of several interactions must not refuse a request that another one allows."""
    for pact in shipped_pacts():
        refusals = [interaction.description.startswith("refused: ") for interaction in pact.interactions]
        unauthorised = [interaction.response.status == 401 for interaction in pact.interactions]

        assert refusals == unauthorised
        assert refusals == sorted(refusals)
