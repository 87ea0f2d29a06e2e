"""The command `bff-contracts`.

Each command is a module with `add(commands)`, which describes it, and a function that does it and returns the exit
code: 0 done, 1 the answer is no, 2 it could not be done.
"""

import argparse
import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from bff_contracts.cli import broker, catalogue, diff, scaffold, verify
from bff_contracts.cli.common import CommandError, print_error
from bff_contracts.options import ShowVersion
from bff_contracts.terminal import described, plain

_CANNOT_RUN: Final = 2
_SIGNALLED: Final = 128  # and the number of the signal, as shells have it
_VERBOSE: Final = ("-v", "--verbose")
_VERBOSE_HELP: Final = "show the log of the official verifier, and tracebacks"

_EPILOG: Final = """\
examples:
  bff-contracts list cms                          what the BFF expects of class-management-service
  bff-contracts show 'one batch'                  one interaction: its states, request and response
  bff-contracts states ras                        the provider states to set up, with their params
  bff-contracts scaffold cms -o test_contract.py  a test file to start from
  bff-contracts verify cms --url http://127.0.0.1:5002 --states-url http://127.0.0.1:5002/_pact/provider_states
  bff-contracts diff main                         what the contracts here demand that those of main did not
  bff-contracts publish --dry-run                 what would be sent to the Pact Broker

exit codes: 0 done, 1 the answer is no, 2 could not run, 130 stopped by Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    _keep_descriptors()
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _ended)  # so that everything that was started is ended too
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a Swedish name still gets the rest.
            stream.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType]
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.CRITICAL, handlers=[handler])
    try:
        return int(options.run(options))
    except CommandError as error:
        print_error(str(error))
        return _CANNOT_RUN
    except BrokenPipeError:
        sys.stdout = None  # the reader is gone; the rest must not be written at exit
        return _CANNOT_RUN
    except Exception as error:  # not 1, which is a verdict
        logging.getLogger("bff_contracts").debug("unexpected", exc_info=True)
        print_error(f"unexpected {described(error)} (-v shows the traceback)")
        return _CANNOT_RUN
    except KeyboardInterrupt as error:
        print_error("stopped")
        return _SIGNALLED + next(iter(error.args), signal.SIGINT)


class _Plain(logging.Formatter):
    """Log lines of the official verifier, which may quote a provider's responses."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def _keep_descriptors() -> None:
    """Reopen closed standard streams, so that no connection gets a descriptor that the engine prints to."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest descriptor that is free: this one


def _ended(number: int, _: object) -> None:
    raise KeyboardInterrupt(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bff-contracts",
        description="What the BFF Teacher Service expects of its backends, and whether they keep it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="print the version of the contracts and exit")
    parser.add_argument(*_VERBOSE, action="store_true", help=_VERBOSE_HELP)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (verify, catalogue, scaffold, diff, broker):
        module.add(commands)
    for command in commands.choices.values():  # accepted behind the command too
        command.add_argument(*_VERBOSE, default=argparse.SUPPRESS, action="store_true", help=_VERBOSE_HELP)
    return parser
