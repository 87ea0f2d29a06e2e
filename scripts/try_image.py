"""Build the image of the Containerfile without a registry, start it, and report what that proves.

A Debian base made by debootstrap gets the names of the official Python images. This proves the steps of the
Containerfile: they run in order, install the versions of `pdm.lock` by hash, find the version in .git, and leave a
mock that starts as an unprivileged user. It does not prove the official images, their Python, or a container's network,
because the steps run in a chroot with the network of this machine. Needs root, Debian's buildah and debootstrap, and a
network.

Exit code 0 when the image is built and answers, 1 when not, 2 when a tool is missing.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
HOME: Final = ROOT / "build" / "image"
BASE: Final = HOME / "base"
IMAGE: Final = "bff-mock-server"
OFFICIAL: Final = ("docker.io/library/python:3.13", "docker.io/library/python:3.13-slim")
"""The names in the Containerfile."""

CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"


def output(*command: str | Path) -> str:
    """Run a command whose errors are shown, and return what it prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603


def buildah(*arguments: str | Path) -> str:
    """Run buildah on a storage of its own."""
    storage = ("--storage-driver", "vfs", "--root", HOME / "storage", "--runroot", HOME / "run")
    return output("buildah", *storage, *arguments)


def make_base() -> None:
    """Make a Debian with Python, pip and git, which trusts what this machine trusts."""
    if BASE.exists():
        return
    release = output("sh", "-c", '. /etc/os-release; echo "$VERSION_CODENAME"')
    mirror = output("apt-get", "indextargets", "--format", "$(SITE)").splitlines()[0]
    unfinished = HOME / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    packages = "ca-certificates,git,python3,python3-pip,python3-venv"
    output("debootstrap", "--variant=minbase", f"--include={packages}", release, unfinished, mirror)
    (unfinished / "usr" / "bin" / "python").symlink_to("python3")
    for marker in unfinished.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    shutil.copy(f"/{CERTIFICATES}", unfinished / CERTIFICATES)
    (unfinished / "etc" / "pip.conf").write_text(f"[global]\ncert = /{CERTIFICATES}\n", encoding="utf-8")
    unfinished.rename(BASE)


def commit_base() -> None:
    """Give the base the names of the official images."""
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, BASE, "/")
    for name in OFFICIAL:
        buildah("commit", "--quiet", container, name)
    buildah("rm", container)


def answers(container: str) -> bool:
    """Start the image's entry point on free ports of this machine, and ask for its health."""
    entry_point = json.loads(buildah("inspect", "--type", "image", IMAGE))["OCIv1"]["config"]["Entrypoint"]
    ports = [f"--{name}-port=0" for name in ("ras", "cms", "control")]
    here = [word.replace("0.0.0.0", "127.0.0.1") for word in entry_point]  # noqa: S104 - replaced
    storage = ("--storage-driver", "vfs", "--root", str(HOME / "storage"), "--runroot", str(HOME / "run"))
    command: list[str] = [
        "buildah",
        *storage,
        "run",
        "--isolation",
        "chroot",
        container,
        "--",
        *here,
        *ports,
        "--quiet",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101 - asked for
        try:
            url = process.stdout.readline().split()[-1]
            with urllib.request.urlopen(f"{url}/healthz", timeout=30) as answer:  # noqa: S310 - on this machine
                return bool(answer.status == 200)  # noqa: PLR2004
        finally:
            process.terminate()


def main() -> int:
    """Build, start, report."""
    missing = [tool for tool in ("buildah", "debootstrap", "apt-get") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        print(f"needs root and {', '.join(missing) or 'nothing else'}", file=sys.stderr)
        return 2
    HOME.mkdir(parents=True, exist_ok=True)
    make_base()
    commit_base()
    buildah("bud", "--pull-never", "--isolation", "chroot", "--tag", IMAGE, "--file", ROOT / "Containerfile", ROOT)
    container = buildah("from", "--pull-never", IMAGE)
    user = buildah("run", "--isolation", "chroot", container, "--", "id", "-u")
    version = buildah("run", "--isolation", "chroot", container, "--", "bff-mock-server", "--version")
    healthy = answers(container)
    print(f"built: {version}, as user {user}; {'it answers' if healthy else 'it does NOT answer'}")
    print("not proven: the official base images, Python 3.13, a container's network")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
