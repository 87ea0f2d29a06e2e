"""The modules that starting the mock loads."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import bff_mock_server

_START: Final = """
import asyncio, os, signal, sys
from bff_mock_server.cli import command
from bff_mock_server.serving import server

serve = server.run

def probed(listeners, *, beside=(), **others):
    async def probe():
        reader, writer = await asyncio.open_connection("127.0.0.1", listeners[0].port)
        writer.write(b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
        answer = await reader.read()
        print(answer[:15].decode(), *sorted(sys.modules))
        os.kill(os.getpid(), signal.SIGINT)

    serve(listeners, beside=[*beside, probe], **others)

server.run = probed
command.main(["--ras-port", "0", "--cms-port", "0", "--control-port", "0"])
"""
_UNNEEDED: Final = frozenset(
    {
        "bff_clients",
        "bff_contracts.states",
        "dishka",
        "fastapi",
        "httpx",
        "pact",
        "pact_ffi",
        "pydantic",
        "pydantic_settings",
        "respx",
        "uvicorn",
        "yaml",
    }
)
"""What the shipped contracts and scenarios are served without."""


def test_the_first_answer_loads_neither_pydantic_nor_the_engine_nor_a_client() -> None:
    done = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)  # noqa: S603

    banner, _, found = done.stdout.rpartition("HTTP/1.1 200 OK")
    assert "Try:" in banner
    assert sorted(_UNNEEDED & {*found.split()}) == []


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
