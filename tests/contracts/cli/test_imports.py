"""What the commands that only read the contracts leave unloaded."""

import subprocess
import sys
from typing import Final

_PROGRAM: Final = """
import contextlib, io, sys
from bff_contracts.cli import main

for line in (["--help"], ["--version"], ["list"], ["show", "one batch"], ["verify", "--help"], ["publish", "--help"]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main(line)
    print(line, sorted({"pydantic", "pydantic_settings", "httpx", "asyncio", "pact", "pact_ffi"} & sys.modules.keys()))
"""


def test_describing_the_commands_and_the_contracts_loads_neither_pydantic_nor_a_client_nor_the_engine() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)  # noqa: S603

    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert [line for line in lines if not line.endswith(" []")] == []
