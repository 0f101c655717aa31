"""The plugin's own environment: a Python that finds our source, and packages in steps.

    VENV/ready-KEY       the first step is done: its packages lie where hooks look for them,
                         in VENV/lib/.../site-packages; without it all is made anew
    VENV/steps/NAME/     the packages of a later step; whole, or not there at all
    VENV/steps/NAME.new/ what a killed set-up of one left; made anew

Two at once install once (flock on VENV.lock). Installers hold the lock, too: one may go on when who
has started it was killed.
"""

import fcntl
import importlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv as virtual_environments
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from worker_manager.installation import installer, plugin, steps
from worker_manager.installation.installer import InstallationFailed
from worker_manager.installation.progress import Progress

_STEPS = "steps"
#: No byte code for these, which only the live view loads.
_LATER = r"/worker_manager/dashboard/"
#: Bytes that are no UTF-8 stand as surrogates in a path.
_IMPOSSIBLE = re.compile("[:\n\ud800-\udfff]")


def is_ready(venv: Path, key: str) -> bool:
    """Whether the first step is done."""
    return (venv / f"ready-{key}").exists() and os.access(venv / "bin" / "python", os.X_OK)


def build(venv: Path, key: str, *, may_install: bool) -> None:
    """The first step, unless it is done. `may_install` a system package, too. Speaks on stderr.
    Raises InstallationFailed.
    """
    _check_path(venv)
    progress = Progress()
    with _locked(venv, progress) as lock:
        if is_ready(venv, key):
            return
        progress.step("setting up its Python packages, once; that may take a minute ...")
        if venv.exists():
            for ready in venv.glob("ready-*"):
                ready.unlink()  # first: killed after that, what is left of it does not count
            shutil.rmtree(venv)
        try:
            _make(venv, progress, lock, may_install=may_install)
            os.sync()  # nothing counts as there that a power cut may take away
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
    if not is_ours():
        return
    if not folder.is_dir():
        _bring(venv, step, folder)
    if str(folder) not in sys.path:  # it was not there when this process began
        sys.path.append(str(folder))
        importlib.invalidate_caches()


def _bring(venv: Path, step: str, folder: Path) -> None:
    progress = Progress()
    with _locked(venv, progress) as lock:
        if not folder.is_dir():
            progress.step(f"setting up what {step} needs, once ...")
            new = folder.with_name(f"{step}.new")
            try:
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir()
                _install(venv, step, new, progress, lock)
                os.sync()
                new.rename(folder)
            finally:
                progress.clear()


def _check_path(venv: Path) -> None:
    for path in map(str, (venv, plugin.root())):
        if _IMPOSSIBLE.search(path):
            raise InstallationFailed(
                f"Python can't make an environment in {path!a}. Move the plugin, or the "
                "folder of its data, to a path without ':' and odd characters."
            )


@contextmanager
def _locked(venv: Path, progress: Progress) -> Iterator[int]:
    """Gives the descriptor of the lock: as long as a process has it open, it is held."""
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        with (venv.parent / f"{venv.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress.say("waiting for another start, which installs its Python packages ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()
    except OSError as error:
        raise InstallationFailed(
            f"{error}. Make room or repair the directory, then try again."
        ) from error


class _EnvBuilder(virtual_environments.EnvBuilder):
    """Links to the file of one version of Python: where the system goes on to the next one, the
    link points nowhere, and the environment is made anew.
    """

    def ensure_directories(
        self, env_dir: str | bytes | os.PathLike[str] | os.PathLike[bytes]
    ) -> SimpleNamespace:
        """As the library's."""
        context = super().ensure_directories(env_dir)
        context.executable = os.path.realpath(context.executable)
        return context


def _make(venv: Path, progress: Progress, lock: int, *, may_install: bool) -> None:
    installer.get_ready(may_install=may_install)
    _EnvBuilder(symlinks=True).create(venv)
    later = venv / _STEPS
    later.mkdir()
    source = Path(plugin.root(), "src")
    found = [source, *(later / step for step in steps.PACKAGES if step != steps.FIRST)]
    here = {"base": str(venv), "platbase": str(venv)}
    site = Path(sysconfig.get_path("purelib", "venv", here))
    # A folder that is not there is passed over.
    (site / "worker_manager.pth").write_text("".join(f"{one}\n" for one in found), "utf-8")
    # A first start without byte code takes 3 s; our own is made while packages are fetched.
    with _compiling(venv, source, lock):
        _install(venv, steps.FIRST, site, progress, lock)


def _install(venv: Path, step: str, folder: Path, progress: Progress, lock: int) -> None:
    locked = Path(plugin.root(), "requirements.lock").read_text("utf-8")
    entries = steps.requirements(step, locked)
    heard = list[str]()

    def hear(name: str) -> None:
        heard.append(name)
        progress.step(f"{len(heard)} of {len(entries)} packages: {name}")

    if entries:
        wanted = venv / _STEPS / f"{step}.lock"
        wanted.write_text("\n".join(entries) + "\n", "utf-8")
        installer.install(wanted, folder, hear, lock)
        wanted.unlink()
    with _compiling(venv, folder, lock):
        pass


@contextmanager
def _compiling(venv: Path, folder: Path, lock: int) -> Iterator[None]:
    """Byte code, while something else is done; who has none does without."""
    python = str(venv / "bin" / "python")
    command = [python, "-I", "-m", "compileall", "-q", "-j0", "-x", _LATER, str(folder)]
    quiet = partial(subprocess.Popen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with quiet(command, stdin=subprocess.DEVNULL, pass_fds=(lock,)):
        yield
