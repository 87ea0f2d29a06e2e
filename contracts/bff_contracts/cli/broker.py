"""`bff-contracts publish`, `can-i-deploy` and `record-deployment`: their options. `at_broker` runs them."""

import argparse
from typing import Final

from bff_contracts.cli.common import BUILD_URL, SECONDS, Commands
from bff_contracts.platform import CONSUMER, PROVIDERS

_EPILOG: Final = """\
environment:
  PACT_BROKER_BASE_URL  the address of the broker; required
  PACT_BROKER_TOKEN     its bearer token; or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD
  SSL_CERT_FILE         certificates of your own authority, if the broker's is signed by it

exit codes: 0 done, 1 the broker says no, 2 could not run
"""


def add(commands: Commands) -> None:
    """Describe the commands."""
    send = _parser(commands, "publish", "publish the contracts of this package as those of this commit")
    send.add_argument("--branch", help="the branch (default: what the CI or git says)")
    send.add_argument("--tag", action="append", default=[], help="a tag of the version; repeatable")
    send.add_argument("--build-url", metavar="URL", help=BUILD_URL)
    send.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    send.set_defaults(run=_publish)
    deploy = _parser(commands, "can-i-deploy", "whether a version is verified against what an environment runs")
    deploy.add_argument(
        "--to-environment", required=True, metavar="ENVIRONMENT", help="where it would be deployed, such as production"
    )
    deploy.add_argument(
        "--wait",
        type=SECONDS,
        default=None,
        metavar="SECONDS",
        help="how long to wait for verifications that are under way (default: not at all)",
    )
    deploy.set_defaults(run=_can_i_deploy)
    record = _parser(commands, "record-deployment", "record at the broker that a version is deployed")
    record.add_argument("--environment", required=True, help="where it is deployed, such as production")
    record.set_defaults(run=_record_deployment)
    short = " and ".join(one.short for one in PROVIDERS)
    for parser in (deploy, record):
        parser.add_argument(
            "--of",
            default=CONSUMER,
            metavar="PARTICIPANT",
            help=f"whose version, consumer or provider; {short} will do (default: %(default)s)",
        )


def _parser(commands: Commands, name: str, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", metavar="VERSION", help="the version (default: the commit checked out here)")
    parser.add_argument(
        "--time-limit", type=SECONDS, default=60.0, metavar="SECONDS", help="time limit for the broker (default: 60)"
    )
    return parser


def _publish(options: argparse.Namespace) -> int:
    from bff_contracts.cli.at_broker import publish_contracts  # noqa: PLC0415  # Pydantic, httpx: these commands alone

    return publish_contracts(options)


def _can_i_deploy(options: argparse.Namespace) -> int:
    from bff_contracts.cli.at_broker import ask_to_deploy  # noqa: PLC0415  # the same

    return ask_to_deploy(options)


def _record_deployment(options: argparse.Namespace) -> int:
    from bff_contracts.cli.at_broker import record  # noqa: PLC0415  # the same

    return record(options)
