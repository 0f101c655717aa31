"""What libtmux and GitPython, which nothing of ours uses, see of a crew."""

from __future__ import annotations

from pathlib import Path

import git
import libtmux

from tests.support.scripted.bench import add_worker
from tests.support.scripted.workers import HANG
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.crew.lifecycle.request import StartRequest


def test_libtmux_sees_a_worker_where_we_do(fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker

    socket, _, name = worker.handle.rpartition(":")
    server = libtmux.Server(socket_path=socket)
    (pane,) = [one for one in server.panes if one.session_name == name]
    assert pane.pane_dead == "0"

    fleet.stop(worker.id)
    assert name not in [one.name for one in server.sessions]


def test_gitpython_sees_a_merge_as_we_tell_it(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"made": "by a worker"})
    witness = git.Repo(repository)
    tip = witness.commit(worker.branch)

    fleet.merge(worker.id, MergeOptions())

    assert witness.is_ancestor(tip, witness.head.commit)
    assert witness.head.commit.tree["made"].data_stream.read() == b"by a worker"
    assert not witness.is_dirty(untracked_files=True)
