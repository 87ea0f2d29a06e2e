"""What the worst bodies cost: read by Pydantic alone, and as the clients read them.

    python -m benchmarks.bodies

Prints the table of `docs/decisions/2026-11-28-reading-large-bodies.md`: processor time, and memory of the process as a
multiple of the body, each in a process of its own. Needs Linux, for the peak of the memory.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from bff_clients._decoding import decoded
from bff_clients.models import BatchPage, Entries, TooManyEntriesError
from tests.support.platform import recorded
from tests.support.ras_pages import page, row

SIZE: Final = 3 * 2**20
"""Bytes, about the limit of a page of 100 rows."""

PAGE: Final[TypeAdapter[BatchPage]] = TypeAdapter(BatchPage)
ROWS: Final = b'{"batches":['
END: Final = b'],"pagination":{"limit":100,"offset":0,"total":1}}'


def members(times: int) -> bytes:
    """So many members that nobody reads."""
    return b",".join(b'"%07d":"0123456789"' % number for number in range(times))


AGAIN: Final = b'"batch_id":"0123456789",' * (SIZE // 24)


def correct() -> bytes:
    """100 rows with as many essays as fit."""
    essay = json.loads(recorded("ras_batch_status_completed_with_failures").body)["essays"][0]
    essays = [essay] * (SIZE // 100 // len(json.dumps(essay)))
    return json.dumps(page(*[row(essays=essays)] * 100, limit=100)).encode()


BODIES: Final[dict[str, Callable[[], bytes]]] = {
    "a correct page of 100 rows with all essays": correct,
    "a row of members that nobody reads": lambda: ROWS + b"{" + members(SIZE // 22) + b"}" + END,
    "one member of a row again and again": lambda: ROWS + b"{" + AGAIN + b'"a":1}' + END,
    "a list of texts for a row": lambda: ROWS + b"[" + b'"0123456789",' * (SIZE // 13) + b'"a"]' + END,
    "empty lists for rows": lambda: ROWS + b"[]," * (SIZE // 3) + b"[]" + END,
    "numbers of 4,000 digits": lambda: b'{"x":[' + (b"1" * 4000 + b",") * (SIZE // 4001) + b"1]}",
}


def pydantic(body: bytes) -> object:
    """Read a body by Pydantic alone."""
    try:
        return PAGE.validate_json(body, context=Entries(100))
    except (ValidationError, TooManyEntriesError) as error:
        return str(error)


def ours(body: bytes) -> object:
    """Read a body as the clients do."""
    return decoded(body, PAGE, context=Entries(100), check=None)


READERS: Final[dict[str, Callable[[bytes], object]]] = {"pydantic": pydantic, "ours": ours}


def status(name: str) -> int:
    """Bytes of this process's memory, by their name in `/proc/self/status`."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def measure(reader: str, name: str) -> None:
    """Print milliseconds and the multiple of the body."""
    read, body = READERS[reader], BODIES[name]()
    read(b"{}")
    read(b"[" + b" " * 100_000)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins now
    before, started = status("VmRSS"), time.process_time()
    found: Any = read(body)
    del found
    took = time.process_time() - started
    print(f"{took * 1000:.0f} ms, {(status('VmHWM') - before) / len(body):.1f}x")


def main() -> int:
    """Measure one of them, or all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(*options.one)
        return 0
    print(f"| {SIZE >> 20} MiB | Pydantic alone | the clients |\n|---|---:|---:|")
    for name in BODIES:
        command = [sys.executable, "-m", "benchmarks.bodies", "--one"]
        found = [subprocess.check_output([*command, reader, name], text=True).strip() for reader in READERS]
        print(f"| {name} | {' | '.join(found)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
