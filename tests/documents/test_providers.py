"""The page for provider teams, followed by a team of the tests whose service is CMS."""

from __future__ import annotations

import importlib

import pytest

from tests.documents.blocks import ROOT, Place, assert_among, block, runs
from tests.support.hypercorn_server import on_hypercorn

PAGE = "docs/providers.md"
MY_SERVICE = {
    "__init__.py": "",
    "storage.py": """\
import sqlite3
from contextlib import closing
from tests.providers.cms import SCHEMA

DATABASE = "classes.db"
with closing(sqlite3.connect(DATABASE)) as connection:
    connection.executescript(SCHEMA)

async def forget_class(batch_id):
    with closing(sqlite3.connect(DATABASE)) as connection, connection:
        connection.execute("DELETE FROM batch_classes WHERE batch_id = ?", (batch_id,))

async def save_class(batch_id, class_id, name):
    with closing(sqlite3.connect(DATABASE)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO classes VALUES (?, ?)", (class_id, name))
        connection.execute("INSERT OR REPLACE INTO batch_classes VALUES (?, ?)", (batch_id, class_id))
""",
    "app.py": """\
from tests.providers import cms
from my_service.storage import DATABASE

def create_app():
    return cms.create_app(cms.Settings(DATABASE, "the-key-of-our-tests"))
""",
}
RENAMED = """\
from my_service import app

def create_app():
    inside = app.create_app()

    @inside.after_request
    async def rename(response):
        text = await response.get_data(as_text=True)
        response.set_data(text.replace("class_name", "name"))
        return response

    return inside
"""
"""Their service, with the mistake that the page shows."""


@pytest.fixture
def my_service(desk: Place) -> Place:
    for name, text in MY_SERVICE.items():
        desk.write(f"my_service/{name}", text)
    (desk.folder / "tests").mkdir()
    return Place(desk.folder, urls={}, variables={"PYTHONPATH": f"{desk.folder}:{ROOT}"})


@runs(PAGE, "mkdir -p tests", "pytest -x -k classes", "NotVerified: classes of batches: all have one")
def test_the_scaffold_fails_with_what_is_shown(blocks: list[str], my_service: Place) -> None:
    scaffold, run, shown = blocks
    my_service.run(scaffold)

    assert_among(shown, my_service.run(f"{run.strip()} -p no:randomly", fails=True))


@runs(PAGE, "from collections.abc import Iterator")
def test_the_test_file_verifies_the_provider(blocks: list[str], my_service: Place) -> None:
    my_service.write("test_bff_contract.py", blocks[0])

    assert "11 passed" in my_service.run("pytest -q -k classes test_bff_contract.py")


@runs(PAGE, "NotVerified: classes of batches: one batch")
def test_a_difference_is_told_as_shown(blocks: list[str], my_service: Place) -> None:
    my_service.write("other_service.py", RENAMED)
    test = block(PAGE, "from collections.abc import Iterator").text
    my_service.write("test_bff_contract.py", test.replace("from my_service.app", "from other_service"))

    assert_among(
        blocks[0],
        my_service.run("pytest -q -x -p no:randomly -k 'one and batch and not all' test_bff_contract.py", fails=True),
    )


@runs(PAGE, "HULEEDU_INTERNAL_API_KEY=… bff-contracts verify", "from quart import")
def test_a_service_that_runs_is_verified_by_its_states_route(
    blocks: list[str], my_service: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, route = blocks
    my_service.write("contract_states.py", route)
    monkeypatch.syspath_prepend(str(my_service.folder))  # pyright: ignore[reportUnknownMemberType]
    monkeypatch.chdir(my_service.folder)
    app = importlib.import_module("my_service.app").create_app()
    app.register_blueprint(importlib.import_module("contract_states").contract_states)
    with on_hypercorn(app) as url:
        there = Place(my_service.folder, {"http://127.0.0.1:5002": url}, my_service.variables)
        printed = there.run(command.replace("…", "the-key-of-our-tests"))

    assert "keeps the 11 chosen of" in printed
