"""Run the suite with the lowest or the newest versions that pyproject.toml allows, in an environment below `.venvs`.

The lock has one version of each package; users have others. Arguments after the lane go to pytest. The exit code is
pytest's, or uv's when the versions cannot be resolved or installed.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
RESOLUTIONS: Final = {"lowest": "lowest-direct", "newest": "highest"}
"""For each lane uv's word. Of what pyproject.toml does not name, the newest fitting version is taken."""


def main() -> int:
    """Install, then test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lane", choices=RESOLUTIONS)
    given, for_pytest = parser.parse_known_args()
    home = ROOT / ".venvs" / given.lane
    python = home / "bin" / "python"
    uv = (sys.executable, "-m", "uv", "--quiet")
    groups = (word for group in ("test", "mutation", "lint") for word in ("--group", group))
    versions = ("--resolution", RESOLUTIONS[given.lane], "--upgrade")
    suite = ("-q", "-n", "2", "--dist", "loadfile")
    for command in (
        (*uv, "venv", "--clear", "--python", sys.executable, home),
        (*uv, "pip", "install", "--python", python, "--editable", ".[contracts,mock]", *groups, *versions),
        (python, "-m", "pytest", *suite, *for_pytest),
    ):
        code = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
