"""The modules that starting the mock loads."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import bff_mock_server


def test_the_server_loads_neither_the_engine_nor_a_client() -> None:
    unwanted = (
        "{'pact', 'pact_ffi', 'httpx', 'pydantic_settings', 'dishka', 'fastapi', 'respx', 'bff_clients', 'uvicorn'}"
    )
    loading = "import sys, bff_mock_server.cli.assembly, bff_mock_server.cli.banner, bff_mock_server.serving.server"
    program = f"{loading}; print(sorted({unwanted} & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"


def test_the_table_of_contents_is_true() -> None:
    """What type checkers read, what is exported and what is loaded on demand are the same names of the same modules."""
    assert bff_mock_server.__file__ is not None
    source = ast.parse(Path(bff_mock_server.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in source.body if isinstance(node, ast.If))
    checked = {name.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names}

    assert checked == bff_mock_server._HOMES  # pyright: ignore[reportPrivateUsage]
    assert sorted(checked) == bff_mock_server.__all__
    for name, home in checked.items():
        assert getattr(bff_mock_server, name) is getattr(import_module(str(home)), name)


def test_completion_shows_the_exported_names_before_they_are_loaded() -> None:
    program = "import bff_mock_server; print(set(bff_mock_server.__all__) - set(dir(bff_mock_server)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "set()"
