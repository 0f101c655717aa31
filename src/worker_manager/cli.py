"""The command line for people."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from worker_manager import __version__
from worker_manager.errors import (
    InvalidInput,
    RuntimeUnavailable,
    WorkerManagerError,
    WorkerNotFound,
)
from worker_manager.models import Worker
from worker_manager.naming import checked_worker_id
from worker_manager.state.layout import state_root
from worker_manager.state.records import Records


def main(arguments: list[str]) -> int:
    """Runs a command; the exit code is 0, 1 for a failure, 2 for a wrong command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "run" not in options:
        parser.print_help()
        return 0
    try:
        return int(options.run(options))
    except WorkerManagerError as error:
        sys.stderr.write(f"worker-manager: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="worker-manager", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands")
    demo = commands.add_parser("demo", help="see the whole job done once, here, in seconds")
    demo.add_argument("--agent", choices=("scripted", "claude"), default="scripted")
    demo.add_argument("--keep", action="store_true", help="leave everything to look at")
    demo.add_argument("--below", type=Path, metavar="DIR", help="make its repository in DIR")
    demo.set_defaults(run=_demo)
    attach = commands.add_parser("attach", help="look at a worker's terminal")
    attach.add_argument("id", help="the worker's id")
    attach.set_defaults(run=_attach)
    watch = commands.add_parser("watch", help="see all workers of this repository, live")
    watch.add_argument("--web", action="store_true", help="in a browser, from this machine alone")
    watch.add_argument("--port", type=int, help="of --web; a free one by default")
    watch.set_defaults(run=_watch)
    doctor = commands.add_parser("doctor", help="say whether all that is needed works here")
    doctor.add_argument("--fix", action="store_true", help="repair what can be, safely")
    doctor.add_argument(
        "--deep", action="store_true", help="wake a real session; costs a short turn of the model"
    )
    doctor.add_argument("--json", action="store_true", help="print data")
    doctor.set_defaults(run=_doctor)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from worker_manager.rehearsal import demo

    _need_tmux()
    return demo.main(options.agent, options.keep, options.below)


def _attach(options: argparse.Namespace) -> int:
    from worker_manager.runtimes.tmux import Tmux

    _need_tmux()
    worker = _find(options.id)
    command = Tmux("").attach_command(worker.handle)
    if os.environ.get("TMUX"):
        del os.environ["TMUX"]  # tmux else refuses to attach inside of tmux
    os.execvp(command[0], command)


def _watch(options: argparse.Namespace) -> int:
    from worker_manager import dashboard
    from worker_manager.repository import Repository

    _need_tmux()
    repository = Repository(state_root(), os.getcwd(), os.environ)
    return dashboard.run(repository, web=options.web, port=options.port)


def _doctor(options: argparse.Namespace) -> int:
    from worker_manager.doctor import visit

    return visit.main(fix=options.fix, deep=options.deep, as_json=options.json)


def _find(worker_id: str) -> Worker:
    """The worker of that id in any repository: a person may be in any directory."""
    try:
        checked_worker_id(worker_id)
    except WorkerNotFound as error:
        raise _unknown(worker_id) from error
    for entry in os.scandir(state_root()) if os.path.isdir(state_root()) else []:
        records = Records(entry.path)
        if os.path.isdir(records.home(worker_id)):
            return records.get(worker_id)
    raise _unknown(worker_id)


def _unknown(worker_id: str) -> InvalidInput:
    return InvalidInput(
        f"There is no worker {worker_id!r}. start_worker and list_workers name the ids, "
        "8 hex digits each."
    )


def _need_tmux() -> None:
    """Installs tmux where that needs no password; else says how."""
    if shutil.which("tmux"):
        return
    from worker_manager.system_packages import install_package

    if not install_package("tmux") or not shutil.which("tmux"):
        raise RuntimeUnavailable(
            "tmux is not installed. Install it (sudo apt-get install tmux, or brew install tmux)."
        )
