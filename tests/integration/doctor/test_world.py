"""A broken state directory, settings, tmux servers that don't answer."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from pathlib import Path

import pytest

from tests.integration.doctor.conftest import FAILED, OK, UNKNOWN, WARNING, only
from tests.support.scripted.workers import running_worker
from tests.support.terminals.tmux import hanging, tmux_pid
from worker_manager.crew.fleet import Fleet
from worker_manager.doctor import disk, leftovers, settings, terminals
from worker_manager.doctor.examination import repair
from worker_manager.doctor.findings import Place
from worker_manager.errors import RuntimeUnavailable
from worker_manager.runtimes.tmux.runtime import Tmux


def test_a_state_directory_that_others_can_look_into_is_closed(here: Place) -> None:
    os.makedirs(here.root)
    os.chmod(here.root, 0o755)

    found = only(disk.state_directory(here))
    done = repair([found])

    assert (found.verdict, len(done)) == (WARNING, 1)
    assert only(disk.state_directory(here)).verdict is OK
    assert os.listdir(here.root) == []


def test_a_state_directory_that_cannot_be_written_has_failed(here: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory", "utf-8")

    found = only(disk.state_directory(here._replace(root=str(tmp_path / "file" / "state"))))

    assert found.verdict is FAILED
    assert "WORKER_MANAGER_STATE_DIR" in found.repair


def test_a_wrong_setting_is_named(here: Place) -> None:
    Path(here.directory, "worker-manager.toml").write_text("modell = 'x'\n", "utf-8")

    found = only(settings.settings(here))

    assert found.verdict is FAILED
    assert "'modell'" in found.says
    assert "'model'" in found.says


def test_agents_that_could_not_be_started_are_named(here: Place) -> None:
    text = 'agent = "biulder"\n[agents.builder]\nlike = "nobody"\n[agents.good]\nmodel = "x"\n'
    Path(here.directory, "worker-manager.toml").write_text(text, "utf-8")

    found = settings.settings(here)

    assert [one.verdict for one in found] == [FAILED, FAILED]
    assert "no agent 'biulder'. Did you mean builder?" in found[0].says
    assert "[agents.builder] is like 'nobody'" in found[1].says


def test_a_permission_mode_that_claude_refuses_as_root_is_told_before_a_worker_fails(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    without = {name: text for name, text in here.environ.items() if name != "IS_SANDBOX"}

    found = only(settings.settings(here._replace(environ=without)))
    sandbox, narrow, scripted = (
        only(settings.settings(here._replace(environ={**without, name: text})))
        for name, text in (
            ("IS_SANDBOX", "1"),
            ("WORKER_MANAGER_PERMISSION_MODE", "acceptEdits"),
            ("WORKER_MANAGER_AGENT", "scripted"),
        )
    )

    assert (found.verdict, "as root" in found.says) == (FAILED, True)
    assert (sandbox.verdict, narrow.verdict, scripted.verdict) == (OK, OK, OK)


def test_space_and_memory_are_measured(here: Place) -> None:
    found = [*disk.space(here), *disk.memory(here)]

    assert [one.verdict for one in found if one.verdict is UNKNOWN] == []


def socket_of(here: Place) -> str:
    (path,) = terminals._sockets(here)
    return path


@pytest.mark.promise("doctor-unknown")
def test_a_stopped_tmux_server_is_named_with_the_command_that_wakes_it(
    here: Place, fleet: Fleet, tmux_socket: str
) -> None:
    worker = running_worker(fleet)

    with hanging(tmux_socket):
        server, workers = terminals.servers(here), leftovers.workers(here)

    assert only(server).verdict is FAILED
    assert only(server).repair == f"kill -CONT {tmux_pid(tmux_socket)}"
    assert UNKNOWN in [one.verdict for one in workers if worker.id in one.says]
    assert only(terminals.servers(here)).verdict is OK


@pytest.mark.promise("doctor-tried")
@pytest.mark.parametrize(
    ("place", "says"),
    [("long", "File name too long"), ("open", "is no directory of yours alone")],
)
def test_a_place_at_which_no_tmux_server_can_start_is_found_out(
    here: Place,
    fleet: Fleet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    says: str,
) -> None:
    base = Path(tempfile.mkdtemp(dir=tmp_path))
    if place == "long":
        base = base / ("x" * (130 - len(str(base))))
    (base / f"tmux-{os.getuid()}").mkdir(parents=True, mode=0o700)
    if place == "open":
        (base / f"tmux-{os.getuid()}").chmod(0o755)
    monkeypatch.setenv("TMUX_TMPDIR", str(base))

    found = only(terminals.servers(here))
    with pytest.raises(RuntimeUnavailable, match="Set TMUX_TMPDIR to") as caught:
        Tmux("s").launch(Tmux("s").handle_for("t"), ["true"], cwd="/")

    assert (found.verdict, says in found.says, says in str(caught.value)) == (FAILED, True, True)
    assert "set TMUX_TMPDIR" in found.repair
    assert not list((base / f"tmux-{os.getuid()}").iterdir())


def test_a_place_for_a_tmux_server_is_tried_without_a_trace(here: Place) -> None:
    path = Path(socket_of(here))

    found = only(terminals.servers(here))

    assert found.verdict is OK
    tried = re.compile(rf"[0-9a-f]{{{len(path.name)}}}")
    assert not any(tried.fullmatch(one.name) for one in path.parent.iterdir())


def test_a_socket_at_which_nobody_listens_is_removed(here: Place) -> None:
    path = socket_of(here)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)

    found = only(terminals.servers(here))
    repair([found])

    assert found.verdict is WARNING
    assert not os.path.lexists(path)


@pytest.mark.promise("doctor-safe")
def test_a_socket_at_which_somebody_listens_by_now_is_not_removed(here: Place) -> None:
    path = socket_of(here)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
    found = only(terminals.servers(here))
    os.unlink(path)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        repair([found])

        assert os.path.lexists(path)


@pytest.mark.promise("doctor-safe")
def test_what_is_no_socket_is_left_to_the_person(here: Place) -> None:
    path = socket_of(here)
    Path(path).write_text("mine", "utf-8")

    found = only(terminals.servers(here))

    assert (found.verdict, found.fix) == (FAILED, None)
