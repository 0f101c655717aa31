"""The first minute of somebody who has nothing yet: from a clone to the end of the demo, and the
first call of a session whose environment isn't built. Packages come from the registry each time.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.builds import Build, own
from bench.client import Server
from bench.crew import LEAKY
from bench.measuring import Plan, Row

#: An environment around the bench is not the person's.
_LEAKY = (*LEAKY, "VIRTUAL_ENV", "PYTHON", "XDG_")
#: Where this machine's packages come from is no part of a home.
_REGISTRIES = {"PIP_CONFIG_FILE": "pip/pip.conf", "UV_CONFIG_FILE": "uv/uv.toml"}
_REAPER = Path(__file__).with_name("reaper.py")
_ROUNDS = 2


class _Spent(NamedTuple):
    """Seconds until it was done, of CPU until then, of CPU until nothing ran any more."""

    wall: float
    cpu: float
    all_cpu: float


def rows(plan: Plan) -> Iterator[Row]:
    """Beside an earlier version; with uv beside pip."""
    builds = [own(), *([plan.other] if plan.other else [])]
    rounds = 1 if plan.rounds < 10 else _ROUNDS
    demos = [partial(_demo, build, with_uv=False) for build in builds]
    with_uv = [partial(_demo, own(), with_uv=True)] if shutil.which("uv") else []
    ours, *spent = _in_turns(rounds, [*demos, *with_uv])
    if plan.other:
        yield from _rows("clone to the end of demo", plan.other, ours, spent[0], (0.4, 0.35))
    if with_uv:
        what = "the same with uv"
        yield Row(what, "with pip", spent[-1].wall, ours.wall, 0.5)
        yield Row(f"{what}, CPU", "with pip", spent[-1].cpu, ours.cpu, 0.5)
    if plan.other:
        ours, before = _in_turns(rounds, [partial(_first_call, build) for build in builds])
        yield from _rows("first call of all", plan.other, ours, before, (0.3, 0.3))


def _rows(
    what: str, other: Build, ours: _Spent, before: _Spent, goals: tuple[float, float]
) -> Iterator[Row]:
    yield Row(what, other.name, ours.wall, before.wall, goals[0])
    yield Row(f"{what}, CPU", other.name, ours.cpu, before.cpu, goals[1])
    yield Row(f"{what}, CPU with what follows", other.name, ours.all_cpu, before.all_cpu, 1.0)


def _in_turns(rounds: int, measures: Sequence[Callable[[], _Spent]]) -> list[_Spent]:
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [
        _Spent(*(statistics.median(kind) for kind in zip(*spent, strict=True)))
        for spent in zip(*taken, strict=True)
    ]


def _demo(build: Build, *, with_uv: bool) -> _Spent:
    with _newcomer(with_uv=with_uv) as (folder, environ):
        start = time.perf_counter()
        checkout = _clone(build, folder, environ)
        command = [*_reaped(folder), str(checkout / "bin" / "worker-manager"), "demo"]
        with subprocess.Popen(
            command,
            env=environ,
            cwd=checkout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            wall = time.perf_counter() - start
        if process.returncode:
            raise RuntimeError(f"The demo failed: {said.decode()}")
        return _Spent(wall, *_used(folder))


def _first_call(build: Build) -> _Spent:
    with _newcomer(with_uv=False) as (folder, environ):
        checkout = _clone(build, folder, environ)
        environ["CLAUDE_PLUGIN_DATA"] = str(folder / "data")
        start = time.perf_counter()
        command = [*_reaped(folder), str(checkout / "bin" / "worker-manager")]
        with Server(command, environ, checkout) as server:
            server.call("list_workers")
            wall = time.perf_counter() - start
        return _Spent(wall, *_used(folder))


@contextmanager
def _newcomer(*, with_uv: bool) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with an empty home, and the variables of a session there."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="worker-manager-bench-")))
    (folder / "home").mkdir()
    clean = {name: text for name, text in os.environ.items() if not name.startswith(_LEAKY)}
    environ = {
        **clean,
        **_registries(),
        "HOME": str(folder / "home"),
        "PATH": os.pathsep.join(_path(with_uv=with_uv)),
        "TMUX_TMPDIR": str(folder),
        "CLAUDE_CODE_SESSION_ID": str(uuid.uuid4()),
    }
    try:
        yield folder, environ
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _registries() -> dict[str, str]:
    below = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return {
        name: str(below / file) for name, file in _REGISTRIES.items() if (below / file).exists()
    }


def _path(*, with_uv: bool) -> list[str]:
    """Without environments, and without uv where that is not wanted."""
    folders = [one for one in os.environ["PATH"].split(os.pathsep) if ".venv" not in one]
    return [one for one in folders if with_uv or not os.access(f"{one}/uv", os.X_OK)]


def _clone(build: Build, folder: Path, environ: dict[str, str]) -> Path:
    checkout = folder / "worker-manager"
    command = ["git", "clone", "-q", "--no-hardlinks", str(build.root), str(checkout)]
    subprocess.run(command, env=environ, check=True, capture_output=True)
    return checkout


def _reaped(folder: Path) -> list[str]:
    return [sys.executable, "-I", "-S", str(_REAPER), str(folder / "used")]


def _used(folder: Path) -> tuple[float, float]:
    cpu, all_cpu = json.loads((folder / "used").read_text("utf-8"))
    return float(cpu), float(all_cpu)
