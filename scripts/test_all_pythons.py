"""Run the suite on each supported Python that this machine has; runs in PDM's own environment.

Exit code 0 when it passes on all of them, 1 when it fails on one, 2 when there is none.
"""

import os
import subprocess
import sys
from pathlib import Path

import findpython

SUPPORTED = ((3, 11), (3, 12), (3, 13))
ROOT = Path(__file__).parents[1]
PDM = Path(sys.executable).with_name("pdm")


def run(*command: str | Path, **environment: str) -> bool:
    """Run a command in the project's folder and say whether it went well."""
    inherited = {name: value for name, value in os.environ.items() if name != "PDM_IGNORE_ACTIVE_VENV"}
    return subprocess.run(command, cwd=ROOT, env={**inherited, **environment}, check=False).returncode == 0  # noqa: S603


def passes_on(version: str, interpreter: Path) -> bool:
    """Install the locked packages into an environment of that Python, and run the suite there."""
    home = ROOT / ".venvs" / version
    if not home.exists() and not run(interpreter, "-m", "venv", "--without-pip", home):
        return False
    install = (PDM, "sync", "--quiet", "-G", ":all")
    return run(install[0], *install[1:], VIRTUAL_ENV=str(home), PDM_IGNORE_SAVED_PYTHON="1") and run(
        home / "bin" / "python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"
    )


def main() -> int:
    """Print a line per Python."""
    results: dict[str, bool] = {}
    for major, minor in SUPPORTED:
        found = findpython.find(major, minor)
        if found is None:
            print(f"Python {major}.{minor}: not on this machine")
            continue
        print(f"Python {major}.{minor}: {found.version}", flush=True)
        results[f"{major}.{minor}"] = passes_on(f"{major}.{minor}", Path(found.executable))
    for version, passed in results.items():
        print(f"Python {version}: {'passed' if passed else 'FAILED'}")
    if not results:
        return 2
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
