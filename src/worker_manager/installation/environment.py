"""The plugin's own environment: a Python that finds our source, and packages in steps.

    VENV/ready-KEY       the first step is done: its packages lie where hooks look for them,
                         in VENV/lib/.../site-packages; without it all is made anew
    VENV/steps/NAME/     the packages of a later step; whole, or not there at all
    VENV/steps/NAME.new/ what a killed set-up of one left; made anew

Two at once install once (flock on VENV.lock).
"""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import venv as virtual_environments
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from worker_manager.installation import installer, plugin, steps
from worker_manager.installation.installer import InstallationFailed
from worker_manager.installation.progress import Progress

_STEPS = "steps"
#: No byte code for these, which only the live view loads.
_LATER = r"/dashboard/"


def is_ready(venv: Path, key: str) -> bool:
    """Whether the first step is done."""
    return (venv / f"ready-{key}").exists() and os.access(venv / "bin" / "python", os.X_OK)


def build(venv: Path, key: str, *, may_install: bool) -> None:
    """The first step, unless it is done. `may_install` a system package, too. Speaks on stderr.
    Raises InstallationFailed.
    """
    progress = Progress()
    with _locked(venv, progress):
        if is_ready(venv, key):
            return
        progress.step("setting up its Python packages, once; that may take a minute ...")
        if venv.exists():
            shutil.rmtree(venv)
        try:
            _make(venv, progress, may_install=may_install)
            (venv / f"ready-{key}").touch()
        except BaseException:
            shutil.rmtree(venv, ignore_errors=True)  # nothing half ready stays
            raise
        finally:
            progress.clear()


def is_ours() -> bool:
    """Whether the running environment is one that was set up here, in steps."""
    return Path(sys.prefix, _STEPS).is_dir()


def require(step: str) -> None:
    """Makes sure that the running environment has the packages of a step; one that is not ours has
    all. Raises InstallationFailed.
    """
    venv = Path(sys.prefix)
    folder = venv / _STEPS / step
    if not is_ours() or folder.is_dir():
        return
    progress = Progress()
    with _locked(venv, progress):
        if not folder.is_dir():
            progress.step(f"setting up what {step} needs, once ...")
            new = folder.with_name(f"{step}.new")
            try:
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir()
                _install(venv, step, new, progress)
                new.rename(folder)
            finally:
                progress.clear()
    sys.path.append(str(folder))


@contextmanager
def _locked(venv: Path, progress: Progress) -> Iterator[None]:
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        with (venv.parent / f"{venv.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress.say("waiting for another start, which installs its Python packages ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise InstallationFailed(
            f"{error}. Make room or repair the directory, then try again."
        ) from error


def _make(venv: Path, progress: Progress, *, may_install: bool) -> None:
    installer.get_ready(may_install=may_install)
    virtual_environments.EnvBuilder(symlinks=True).create(venv)
    later = venv / _STEPS
    later.mkdir()
    source = Path(plugin.root(), "src")
    found = [source, *(later / step for step in steps.PACKAGES if step != steps.FIRST)]
    here = {"base": str(venv), "platbase": str(venv)}
    site = Path(sysconfig.get_path("purelib", "venv", here))
    # A folder that is not there is passed over.
    (site / "worker_manager.pth").write_text("".join(f"{one}\n" for one in found), "utf-8")
    # A first start without byte code takes 3 s; our own is made while packages are fetched.
    with _compiling(venv, source):
        _install(venv, steps.FIRST, site, progress)


def _install(venv: Path, step: str, folder: Path, progress: Progress) -> None:
    lock = Path(plugin.root(), "requirements.lock").read_text("utf-8")
    entries = steps.requirements(step, lock)
    heard = list[str]()

    def hear(name: str) -> None:
        heard.append(name)
        progress.step(f"{len(heard)} of {len(entries)} packages: {name}")

    if entries:
        wanted = venv / _STEPS / f"{step}.lock"
        wanted.write_text("\n".join(entries) + "\n", "utf-8")
        installer.install(wanted, folder, hear)
        wanted.unlink()
    with _compiling(venv, folder):
        pass


@contextmanager
def _compiling(venv: Path, folder: Path) -> Iterator[None]:
    """Byte code, while something else is done; who has none does without."""
    python = str(venv / "bin" / "python")
    command = [python, "-I", "-m", "compileall", "-q", "-j0", "-x", _LATER, str(folder)]
    quiet = partial(subprocess.Popen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with quiet(command, stdin=subprocess.DEVNULL):
        yield
