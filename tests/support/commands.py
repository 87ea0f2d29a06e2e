"""Runs `bff-contracts` in this process, for tests of its output and exit code.

A process of its own takes half a second to start. Signals and closed pipes need one.
"""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from bff_contracts.cli.command import main


def run_here(words: Sequence[str], *, folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with exactly these environment variables."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        with (
            _surroundings(folder, variables),
            _descriptor(1, out.fileno()),
            _descriptor(2, err.fileno()),
            open(1, "w", encoding="utf-8", closefd=False) as stdout,  # a descriptor
            open(2, "w", encoding="utf-8", closefd=False) as stderr,  # another
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            try:
                code = main(words)
            except SystemExit as ended:
                code = int(ended.code or 0)
        texts: list[str] = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read())
    return subprocess.CompletedProcess(["bff-contracts", *words], code, *texts)


def report_of(verify: subprocess.CompletedProcess[str]) -> str:
    """What `verify` prints below the rows of the interactions; times and numbers of interactions vary."""
    _, _, report = verify.stdout.split("\n\n", 2)
    return re.sub(r"\b\d+(?= (?:of|interactions|chosen|declared)\b)", "N", report)


@contextlib.contextmanager
def _descriptor(number: int, target: int) -> Generator[None]:
    """Let a descriptor be a file: the command writes to copies of descriptors, too."""
    before = os.dup(number)
    os.dup2(target, number)
    try:
        yield
    finally:
        os.dup2(before, number)
        os.close(before)


@contextlib.contextmanager
def _surroundings(folder: Path, variables: Mapping[str, str]) -> Generator[None]:
    before, handler = dict(os.environ), signal.getsignal(signal.SIGTERM)
    os.environ.clear()
    os.environ.update(variables)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        signal.signal(signal.SIGTERM, handler)
