"""The page for provider teams, followed by a team of the tests whose service is CMS."""

import importlib
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.documents.blocks import ROOT, Place, assert_among, block, runs
from tests.providers import cms, fastapi_cms
from tests.support.hypercorn_server import on_hypercorn

PAGE = "docs/providers.md"
FRAMEWORKS = "docs/provider-frameworks.md"
KEY = "the-key-of-our-tests"
AS_A_READER = pytest.mark.slow("runs commands in processes of their own, as a reader of the page does")
MY_SERVICE = {
    "__init__.py": "",
    "storage.py": """\
import sqlite3
from contextlib import closing
from tests.providers.cms import SCHEMA

DATABASE = "classes.db"

def create_tables(database):
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(SCHEMA.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))

create_tables(DATABASE)

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
from tests.providers.cms import Settings
from my_service.storage import DATABASE

def create_app(settings=Settings(DATABASE, "the-key-of-our-tests")):
    return cms.create_app(settings)
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


@AS_A_READER
@runs(PAGE, "mkdir -p tests", "pytest -x -k classes", "NotVerified: classes of batches: all have one")
def test_the_scaffold_fails_with_what_is_shown(blocks: list[str], my_service: Place) -> None:
    scaffold, run, shown = blocks
    my_service.run(scaffold)

    assert_among(shown, my_service.run(f"{run.strip()} -p no:randomly", fails=True))


@AS_A_READER
@runs(PAGE, "from collections.abc import Callable, Iterator")
def test_the_test_file_verifies_the_provider(blocks: list[str], my_service: Place) -> None:
    my_service.write("test_bff_contract.py", blocks[0])

    assert "11 passed" in my_service.run("pytest -q -k classes test_bff_contract.py")


@AS_A_READER
@runs(PAGE, "NotVerified: classes of batches: one batch")
def test_a_difference_is_reported_as_shown(blocks: list[str], my_service: Place) -> None:
    my_service.write("other_service.py", RENAMED)
    test = block(PAGE, "from collections.abc import Callable, Iterator").text
    my_service.write("test_bff_contract.py", test.replace("from my_service.app", "from other_service"))

    assert_among(
        blocks[0],
        my_service.run("pytest -q -x -p no:randomly -k 'one and batch and not all' test_bff_contract.py", fails=True),
    )


@AS_A_READER
@runs(PAGE, "import sqlite3")
def test_the_handler_of_a_table_verifies_the_provider_and_leaves_nothing_behind(
    blocks: list[str], my_service: Place
) -> None:
    my_service.write("handlers.py", blocks[0])
    test = block(PAGE, "from collections.abc import Callable, Iterator").text
    imported = "from handlers import batches_have_exactly_these_classes\n\nSTATES: "
    my_service.write("test_bff_contract.py", test.replace("STATES: ", imported))

    assert "11 passed" in my_service.run("pytest -q -k classes test_bff_contract.py")
    with closing(sqlite3.connect(my_service.folder / "classes.db")) as connection:
        assert connection.execute("SELECT count(*) FROM batch_classes").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM classes").fetchone() != (0,)


@AS_A_READER
@runs(PAGE, "from my_service import app, storage")
def test_the_application_of_a_scaffold_opens_a_database_for_tests(blocks: list[str], my_service: Place) -> None:
    my_service.run("bff-contracts scaffold cms -o test_bff_contract.py")
    handler = block(PAGE, "import sqlite3").text
    my_service.write(
        "handlers.py", handler.replace("from my_service.storage import DATABASE", 'DATABASE = "contract-tests.db"')
    )
    text = (my_service.folder / "test_bff_contract.py").read_text(encoding="utf-8")
    before, _, rest = text.partition("def create_app() -> Any:")
    _, _, after = rest.partition("    return unwritten\n")
    text = f"{before}{blocks[0]}{after}".replace("API_KEY: str | None = None", f"API_KEY = {KEY!r}")
    imported = "from handlers import batches_have_exactly_these_classes\n\nSTATES: "
    my_service.write("test_bff_contract.py", text.replace("STATES: ", imported))

    assert "11 passed" in my_service.run("pytest -q -k classes test_bff_contract.py")


TABLES = """\
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool
from my_service.storage import DATABASE

class Base(DeclarativeBase):
    pass

class SchoolClass(Base):
    __tablename__ = "classes"
    class_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]

class BatchClass(Base):
    __tablename__ = "batch_classes"
    batch_id: Mapped[str] = mapped_column(primary_key=True)
    class_id: Mapped[str] = mapped_column(ForeignKey("classes.class_id"))

sessions = async_sessionmaker(create_async_engine(f"sqlite+aiosqlite:///{DATABASE}", poolclass=NullPool))
"""


@AS_A_READER
@runs(FRAMEWORKS, "from collections.abc import AsyncIterator")
def test_the_handler_with_sqlalchemy_verifies_the_provider_and_leaves_nothing_behind(
    blocks: list[str], my_service: Place
) -> None:
    my_service.write("my_service/tables.py", TABLES)
    _assert_verified(my_service, blocks[0])
    with closing(sqlite3.connect(my_service.folder / "classes.db")) as connection:
        assert connection.execute("SELECT count(*) FROM batch_classes").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM classes").fetchone() != (0,)


def _assert_verified(place: Place, handlers: str, *, imported: str = "batches_have_exactly_these_classes") -> None:
    """The test file of the page, with names of another block in the place of its own, is green."""
    place.write("handlers.py", handlers)
    test = block(PAGE, "from collections.abc import Callable, Iterator").text
    place.write("test_bff_contract.py", test.replace("STATES: ", f"from handlers import {imported}\n\nSTATES: "))

    assert "11 passed" in place.run("pytest -q -k classes test_bff_contract.py")


ANSWER = """\
from uuid import UUID

def answer(headers, batch_ids, class_of):
    key, service = headers.get("X-Internal-API-Key"), headers.get("X-Service-ID")
    if not key or not service:
        return {"error": "Missing authentication"}, 401
    if key != "the-key-of-our-tests":
        return {"error": "Invalid credentials"}, 401
    try:
        asked = [str(UUID(text)) for text in batch_ids.split(",") if text]
    except ValueError:
        return {"error": "Invalid UUID format"}, 400
    return {batch_id: class_of(batch_id) for batch_id in asked}, 200
"""

FLASK_APP = """\
import sqlite3
from contextlib import closing
from flask import Flask, request
from my_service.answer import answer
from my_service.storage import DATABASE
from tests.providers.cms import ClassRepository

def create_app():
    app = Flask("cms")

    @app.get("/internal/v1/batches/class-info")
    def class_info():
        with closing(sqlite3.connect(DATABASE)) as connection:
            return answer(request.headers, request.args.get("batch_ids", ""), ClassRepository(connection).class_of)

    return app
"""


@AS_A_READER
@runs(FRAMEWORKS, "from asgiref.wsgi import WsgiToAsgi")
def test_a_flask_service_is_verified(blocks: list[str], my_service: Place) -> None:
    my_service.write("my_service/answer.py", ANSWER)
    my_service.write("my_service/app.py", FLASK_APP)

    _assert_verified(my_service, blocks[0], imported="create_app")


DJANGO = {
    "conftest.py": """\
import django

django.setup()

from django.db import connection
from my_service.models import BatchClass

with connection.schema_editor() as editor:
    editor.create_model(BatchClass)
connection.close()
""",
    "my_service/answer.py": ANSWER,
    "my_service/settings.py": """\
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}}
INSTALLED_APPS = ["my_service"]
ROOT_URLCONF = "my_service.urls"
SECRET_KEY = "of these tests"
USE_TZ = True
""",
    "my_service/models.py": """\
from django.db import models

class BatchClass(models.Model):
    batch_id = models.TextField(primary_key=True)
    class_id = models.TextField()
    class_name = models.TextField()
""",
    "my_service/urls.py": """\
from django.http import JsonResponse
from django.urls import path
from my_service.answer import answer
from my_service.models import BatchClass

def class_of(batch_id):
    return BatchClass.objects.filter(batch_id=batch_id).values("class_id", "class_name").first()

def class_info(request):
    body, status = answer(request.headers, request.GET.get("batch_ids", ""), class_of)
    return JsonResponse(body, status=status)

urlpatterns = [path("internal/v1/batches/class-info", class_info)]
""",
    "my_service/app.py": "create_app = None\n",
}


@AS_A_READER
@runs(FRAMEWORKS, "from django.core.asgi import")
def test_a_django_service_is_verified(blocks: list[str], my_service: Place) -> None:
    for name, text in DJANGO.items():
        my_service.write(name, text)
    variables = {**my_service.variables, "DJANGO_SETTINGS_MODULE": "my_service.settings"}

    names = "create_app, batches_have_exactly_these_classes"
    _assert_verified(Place(my_service.folder, my_service.urls, variables), blocks[0], imported=names)


@dataclass(frozen=True)
class RunningService:
    """Their service with a states route of the page."""

    place: Place
    monkeypatch: pytest.MonkeyPatch

    def verified(self, command: str, route: str, serve: Callable[[cms.Settings, Any], Any]) -> str:
        """What the command prints; `serve` makes the application out of its settings and the route."""
        folder = self.place.folder
        self.place.write("contract_states.py", route)
        self.monkeypatch.syspath_prepend(str(folder))  # pyright: ignore[reportUnknownMemberType]
        self.monkeypatch.chdir(folder)
        for module in ("contract_states", "my_service", "my_service.storage"):
            self.monkeypatch.delitem(sys.modules, module, raising=False)
        states = importlib.import_module("contract_states").contract_states
        settings = cms.Settings(str(folder / "classes.db"), "the-key-of-our-tests")
        with on_hypercorn(serve(settings, states)) as url:
            there = Place(folder, {"http://127.0.0.1:5002": url}, self.place.variables)
            return there.run(command.replace("HULEEDU_INTERNAL_API_KEY=…", f"HULEEDU_INTERNAL_API_KEY={KEY}"))


@pytest.fixture
def running_service(my_service: Place, monkeypatch: pytest.MonkeyPatch) -> RunningService:
    return RunningService(my_service, monkeypatch)


COMMAND = "HULEEDU_INTERNAL_API_KEY=… bff-contracts verify"


@AS_A_READER
@runs(PAGE, COMMAND, "from quart import")
def test_a_quart_service_that_runs_is_verified_by_its_states_route(
    blocks: list[str], running_service: RunningService
) -> None:
    def serve(settings: cms.Settings, route: Any) -> Any:
        app = cms.create_app(settings)
        app.register_blueprint(route)
        return app

    assert "keeps the 11 chosen of" in running_service.verified(blocks[0], blocks[1], serve)


@runs(FRAMEWORKS, "from typing import Any\n\nfrom fastapi")
def test_a_fastapi_service_that_runs_is_verified_by_its_states_route(
    blocks: list[str], running_service: RunningService
) -> None:
    def serve(settings: cms.Settings, route: Any) -> Any:
        app = fastapi_cms.create_app(settings)
        app.include_router(route)
        return app

    assert "keeps the 11 chosen of" in running_service.verified(block(PAGE, COMMAND).text, blocks[0], serve)


@AS_A_READER
@runs(FRAMEWORKS, "from starlette.requests import")
def test_a_starlette_service_that_runs_is_verified_by_its_states_route(
    blocks: list[str], running_service: RunningService
) -> None:
    def serve(settings: cms.Settings, route: Any) -> Any:
        app = fastapi_cms.create_app(settings)
        return Starlette(routes=[route, Mount("/", app)])

    assert "keeps the 11 chosen of" in running_service.verified(block(PAGE, COMMAND).text, blocks[0], serve)
