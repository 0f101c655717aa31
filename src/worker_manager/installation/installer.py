"""Installs locked packages into a folder: with uv where it is there, else with pip, which need not
be installed.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

from worker_manager.errors import WorkerManagerError
from worker_manager.processes.packages import install_package

#: What a program says when that is the cause, and what to say of it.
_CAUSES = (
    (
        ("DO NOT MATCH THE HASHES", "Hash mismatch"),
        "a package that came is not the one that was tested: its hash is another. Look at the "
        "package index that pip uses here (pip config list), then try again.",
    ),
    (
        ("No space left", "Disk quota"),
        "the disk is full. Make room (df -h), then try again.",
    ),
    (
        ("Read-only file system", "Permission denied"),
        "the folder for the packages can't be written. Make it writable, then try again.",
    ),
    (
        ("Retrying (", "No matching distribution", "error sending request", "ConnectionError"),
        "the package index does not answer, or lacks a package. Look at the network, a proxy, and "
        "pip's settings (pip config list), then try again.",
    ),
)
#: How pip begins the line of a package: one of an index, one of a folder.
_BEGINNINGS = ("Collecting ", "Processing ")
#: Where pip would go astray by what a person has set for other packages.
_NOT_OURS = {
    *(f"PIP_{name}" for name in ("PREFIX", "ROOT", "TARGET", "CONSTRAINT", "REQUIREMENT")),
    *(f"PIP_{name}" for name in ("EDITABLE", "PYTHON", "PLATFORM", "PYTHON_VERSION", "ABI")),
    *("PIP_IMPLEMENTATION", "UV_CONSTRAINT", "UV_OVERRIDE"),
    *("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"),
}
#: What the installers get instead; pip's files of settings may say something else.
_OURS = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_QUIET": "0", "PIP_DRY_RUN": "0"}
#: Files and folders that a person may name relative to where they stand.
_PLACES = ("PIP_FIND_LINKS", "UV_FIND_LINKS", "PIP_CERT", "PIP_CONFIG_FILE", "UV_CONFIG_FILE")


class InstallationFailed(WorkerManagerError):
    """Packages can't be installed."""


def install(wanted: Path, folder: Path, heard: Callable[[str], None], lock: int) -> None:
    """Installs what a lock file lists, and nothing else, into a folder, as source alone. `heard`
    gets the name of each package that is under way. The installer keeps the descriptor `lock` open.
    Raises InstallationFailed.
    """
    what = ["--no-deps", "--require-hashes", "-r", str(wanted.absolute())]
    what += ["--target", str(folder.absolute())]
    uv, code, said = shutil.which("uv"), 1, list[str]()
    if uv:
        uv = os.path.abspath(uv)
        code, said = _run([uv, "pip", "install", "--python", sys.executable, *what], heard, lock)
        if not code and not _missing(wanted, folder):
            return
    # uv does not know pip's settings: where pip must be told of an index, pip comes after it.
    if not uv or _found_pip():
        options = ["--no-compile", "--progress-bar", "off", "--retries", "3", "--no-input"]
        options += ["--disable-pip-version-check", "--root-user-action", "ignore"]
        # Without --upgrade it leaves alone what is there: halves, where uv has failed before it.
        options += ["--upgrade", "--prefix=", "--root="]
        code, said = _run([*_pip(), "install", *options, *what], heard, lock)
        if not code and not _missing(wanted, folder):
            return
    if not code:
        raise InstallationFailed(
            f"the installer has left out {', '.join(_missing(wanted, folder))}. Look at pip's "
            "settings (pip config list), then try again."
        )
    raise InstallationFailed(_reason(said))


def _missing(wanted: Path, folder: Path) -> list[str]:
    """The packages of a lock file of which a folder has not each file. One that not each system
    needs may be missing.
    """
    heads = [line for line in wanted.read_text("utf-8").splitlines() if line[:1].isalnum()]
    names = [_plain(head.partition("==")[0]) for head in heads if ";" not in head]
    whole = {_plain(one.name) for one in distributions(path=[str(folder)]) if _is_whole(one)}
    return [name for name in names if name not in whole]


def _is_whole(package: Distribution) -> bool:
    # What lies outside of the folder are commands, which we don't call.
    files = [one for one in package.files or () if not str(one).startswith("..")]
    return bool(files) and all(os.path.exists(one.locate()) for one in files)


def _plain(name: str) -> str:
    return re.sub("[-_.]+", "-", name.strip()).lower()


def _run(command: Sequence[str], heard: Callable[[str], None], lock: int) -> tuple[int, list[str]]:
    """The exit code, and what was said."""
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_OURS} | _OURS
    # uv reads the settings of a project that it stands in.
    environ |= {name: _from_root(environ[name]) for name in _PLACES if name in environ}
    said = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environ,
        cwd="/",
        pass_fds=(lock,),
    ) as process:
        assert process.stdout is not None  # noqa: S101  it was asked for
        for line in process.stdout:
            said.append(line)
            if line.startswith(_BEGINNINGS):
                heard(re.split("==|-[0-9]", os.path.basename(line.split()[1]))[0])
    return process.returncode, said


def _from_root(places: str) -> str:
    """The same places (space or comma between them), for one who stands in the root."""
    return re.sub(r"[^\s,]+", lambda one: _absolute(one[0]), places)


def _absolute(place: str) -> str:
    return os.path.abspath(place) if os.path.exists(place) else place


def get_ready(*, may_install: bool) -> None:
    """Makes sure that there is something to install with. Debian keeps it in a package of its own,
    which comes only with `may_install`. Raises InstallationFailed.
    """
    if shutil.which("uv") or _found_pip():
        return
    if not (may_install and shutil.which("apt-get") and install_package("venv")):
        _pip()


def _pip() -> list[str]:
    found = _found_pip()
    if not found:
        raise InstallationFailed(
            f"{sys.executable} has neither pip nor ensurepip. Install it (on Debian or Ubuntu: "
            "sudo apt-get install python3-venv), then try again."
        )
    return found


def _found_pip() -> list[str]:
    """How to call pip: this Python's own; the one that Python carries for new environments; the one
    of the Python that this environment was made from.
    """
    if find_spec("pip"):
        return [sys.executable, "-I", "-m", "pip"]
    carried = [sysconfig.get_config_var("WHEEL_PKG_DIR")]
    ensurepip = find_spec("ensurepip")
    if ensurepip and ensurepip.origin:
        carried.append(os.path.join(os.path.dirname(ensurepip.origin), "_bundled"))
    for folder in filter(None, carried):
        for wheel in sorted(Path(folder).glob("pip-*.whl"), reverse=True):
            return [sys.executable, "-I", f"{wheel}/pip"]
    base = getattr(sys, "_base_executable", sys.executable)
    asked = [base, "-I", "-m", "pip"]
    if (
        base != sys.executable
        and not subprocess.run([*asked, "--version"], capture_output=True, check=False).returncode
    ):
        return asked
    return []


def _reason(said: Sequence[str]) -> str:
    whole = "".join(said)
    for signs, sentence in _CAUSES:
        if any(sign in whole for sign in signs):
            return sentence
    last = [line.strip() for line in said if line.strip()][-3:]
    return f"the installer says: {' / '.join(last).rstrip('.')}. Then try again."
