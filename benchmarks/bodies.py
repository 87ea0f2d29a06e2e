"""Measures the cost of the worst bodies: with Pydantic alone, and with the clients.

    python -m benchmarks.bodies

Prints the table of `docs/decisions/2026-11-28-reading-large-bodies.md`: processor time, and memory of the process as a
multiple of the body, each in a process of its own. Needs Linux, for the peak of the memory.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from bff_clients._decoding import Body
from bff_clients.models import MAX_ESSAYS, BatchPage, StudentName
from bff_clients.testing import make_student_name
from tests.support.platform import recorded
from tests.support.ras_pages import page, row

SIZE: Final = 3 * 2**20
"""Bytes, about the limit of a page of 100 rows."""

ROWS: Final = b'{"batches":['
END: Final = b'],"pagination":{"limit":100,"offset":0,"total":1}}'


def members(times: int) -> bytes:
    """That many unknown members."""
    return b",".join(b'"%07d":"0123456789"' % number for number in range(times))


MEMBERS: Final = b"{" + b",".join(b'"%02d":"0123456789"' % number for number in range(33)) + b"}"
AGAIN: Final = b'"batch_id":"0123456789",' * (SIZE // 24)


def correct() -> bytes:
    """100 rows with as many essays as fit."""
    essay = json.loads(recorded("ras_batch_status_completed_with_failures").body)["essays"][0]
    essays = [essay] * (SIZE // 100 // len(json.dumps(essay)))
    return json.dumps(page(*[row(essays=essays)] * 100, limit=100)).encode()


def names() -> bytes:
    """The leanest answer of the contract that is correct: as many names as there can be, of one letter each."""
    name = make_student_name(first_name="A", last_name="B").model_dump_json().encode()
    return b"[" + b",".join([name] * MAX_ESSAYS) + b"]"


BODIES: Final[dict[str, Callable[[], bytes]]] = {
    "a correct page of 100 rows with all essays": correct,
    "2,000 correct names of students, 0.4 MiB": names,
    "rows of 33 members that nobody reads": lambda: b'{"x":[' + (MEMBERS + b",") * (SIZE // len(MEMBERS)) + b"1]}",
    "a row of members that nobody reads": lambda: ROWS + b"{" + members(SIZE // 22) + b"}" + END,
    "one member of a row again and again": lambda: ROWS + b"{" + AGAIN + b'"a":1}' + END,
    "a list of texts for a row": lambda: ROWS + b"[" + b'"0123456789",' * (SIZE // 13) + b'"a"]' + END,
    "empty lists for rows": lambda: ROWS + b"[]," * (SIZE // 3) + b"[]" + END,
    "a row of empty objects that nobody reads, 16 KiB": lambda: ROWS + b'{"x":[' + b"{}," * 5400 + b"{}]}" + END,
    "objects of one member that nobody reads, 0.25 MiB": lambda: b'{"x":[' + b'{"":0},' * (2**18 // 7) + b"1]}",
    "a list of names for a page": lambda: b"[" + b",".join([names()] * 8) + b"]",
    "a list of names for a row": lambda: ROWS + b"[" + b",".join([names()] * 8) + b"]" + END,
    "numbers of 4,000 digits": lambda: b'{"x":[' + (b"1" * 4000 + b",") * (SIZE // 4001) + b"1]}",
}


def pydantic(kind: Any) -> Callable[[bytes], object]:
    """Reads bodies by Pydantic alone."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def read(body: bytes) -> object:
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            return str(error)

    return read


def ours(kind: Any) -> Callable[[bytes], object]:
    """Reads bodies as the clients do."""
    reader: Body[Any] = Body(kind, entries="batches" if kind is BatchPage else None)
    return lambda body: reader.read(body, most=MAX_ESSAYS)


READERS: Final[dict[str, Callable[[Any], Callable[[bytes], object]]]] = {"pydantic": pydantic, "ours": ours}


def status(name: str) -> int:
    """Bytes of this process's memory, by their name in `/proc/self/status`."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def measure(reader: str, name: str) -> None:
    """Print milliseconds and the multiple of the body."""
    body, read = BODIES[name](), READERS[reader](list[StudentName] if BODIES[name] is names else BatchPage)
    read(b"{}")
    read(b"[" + b" " * 100_000)
    ctypes.CDLL(None).malloc_trim(0)  # what making the body left free would hide what reading it takes
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
    print(f"| a body of {SIZE >> 20} MiB | Pydantic alone | the clients |\n|---|---:|---:|")
    for name in BODIES:
        command = [sys.executable, "-m", "benchmarks.bodies", "--one"]
        found = [subprocess.check_output([*command, reader, name], text=True).strip() for reader in READERS]
        print(f"| {name} | {' | '.join(found)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
