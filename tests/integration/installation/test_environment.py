"""The plugin's own environment, set up in steps by the real pip."""

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.integration.installation.conftest import Plugin
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.promise("installation-steps"), pytest.mark.timeout(300)]


def first(plugin: Plugin) -> Path:
    """The module of the first step: where hooks, which don't have `site` look, find it."""
    (site,) = plugin.venv.glob("lib/python*/site-packages")
    return site / "idna.py"


def later(plugin: Plugin) -> list[str]:
    return sorted(path.name for path in (plugin.venv / "steps").iterdir())


def with_uv(plugin: Plugin, tmp_path: Path, script: str) -> dict[str, str]:
    """The environment with a uv, which comes before pip, that runs a script and fails."""
    uv = tmp_path / "few" / "uv"
    uv.parent.mkdir()
    uv.write_text(f"#!/bin/sh\n{script}\nexit 1\n", "utf-8")
    uv.chmod(0o755)
    return {**plugin.environ, "PATH": f"{uv.parent}:{plugin.environ['PATH']}"}


def test_the_first_start_sets_up_the_first_step_alone_and_says_how_far_it_is(
    plugin: Plugin,
) -> None:
    done = plugin.start()

    assert (done.returncode, done.stdout) == (0, "0.1.0\n")
    assert first(plugin).exists()
    assert later(plugin) == []
    assert "setting up" in done.stderr.splitlines()[0]
    assert "1 of 1 packages: idna" in done.stderr


def test_a_later_step_comes_at_its_first_use_once(plugin: Plugin) -> None:
    plugin.start()

    first, second = (plugin.begin(plugin.requiring("watch")) for _ in range(2))
    said = [one.communicate() for one in (first, second)]

    assert later(plugin) == ["watch"]
    folder = str(plugin.venv / "steps" / "watch")
    assert [out.count(folder) for out, _ in said] == [2, 2]
    assert sum(err.count("2 of 2 packages: mdurl") for _, err in said) == 1
    assert plugin.require("watch").stderr == ""


def test_a_step_that_was_killed_is_begun_anew(plugin: Plugin, tmp_path: Path) -> None:
    plugin.start()
    # uv comes first; this one finds no end.
    (tmp_path / "few").mkdir()
    slow = tmp_path / "few" / "uv"
    slow.write_text(f'#!/bin/sh\ntouch "{tmp_path}/begun"\nexec sleep 600\n', "utf-8")
    slow.chmod(0o755)
    environ = {**plugin.environ, "PATH": f"{slow.parent}:{plugin.environ['PATH']}"}
    killed = subprocess.Popen(
        plugin.requiring("watch"), env=environ, stderr=subprocess.DEVNULL, start_new_session=True
    )
    wait_until((tmp_path / "begun").exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert "watch" not in later(plugin)

    assert plugin.require("watch").returncode == 0
    assert later(plugin) == ["watch"]


def test_ctrl_c_leaves_the_set_up_to_go_on(plugin: Plugin, tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    # This one waits to be let go; then pip is asked.
    environ = with_uv(plugin, tmp_path, f'touch "{begun}"; until [ -e "{go}" ]; do sleep 0.1; done')
    with (tmp_path / "said").open("w") as said:
        started = subprocess.Popen(
            plugin.command, env=environ, stdin=subprocess.DEVNULL, stderr=said
        )
    wait_until(begun.exists)
    started.send_signal(signal.SIGINT)
    assert started.wait() == 130
    go.touch()

    wait_until(lambda: list(plugin.data.glob("venv-*/ready-*")))
    assert "the set-up goes on by itself" in (tmp_path / "said").read_text("utf-8")
    assert first(plugin).exists()


def test_on_a_terminal_one_line_is_written_anew(plugin: Plugin) -> None:
    ours, its = pty.openpty()
    done = subprocess.run(
        plugin.command, env=plugin.environ, stdin=its, stdout=its, stderr=its, check=False
    )
    os.close(its)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert done.returncode == 0
    assert "\r\x1b[Kworker-manager: 1 of 1 packages: idna" in shown
    assert shown.count("\n") == 1  # the version's


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("index", "the package index does not answer, or lacks a package"),
        ("hash", "a package that came is not the one that was tested"),
    ],
)
def test_what_went_wrong_is_one_sentence_with_the_next_step(
    plugin: Plugin, broken: str, reason: str
) -> None:
    lock = plugin.root / "requirements.lock"
    if broken == "hash":
        lock.write_text("idna==1.0 --hash=sha256:" + "0" * 64 + "\n", "utf-8")
    else:
        (Path(plugin.environ["PIP_FIND_LINKS"]) / "idna-1.0-py3-none-any.whl").unlink()

    failed = plugin.start()

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.splitlines()[-1].startswith(f"worker-manager: the set-up failed: {reason}")
    assert "try again." in failed.stderr
    assert [path.suffix for path in plugin.data.iterdir()] == [".lock"]


def test_where_uv_can_get_nothing_pip_is_asked(plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    broken = tmp_path / "few" / "uv"
    broken.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    broken.chmod(0o755)

    done = plugin.start(PATH=f"{broken.parent}:{plugin.environ['PATH']}")

    assert (done.returncode, first(plugin).exists()) == (0, True)


def test_among_a_persons_own_packages_it_says_how_to_install_it(tmp_path: Path) -> None:
    base = str(getattr(sys, "_base_executable", sys.executable))
    environ = {"PATH": os.environ["PATH"], "PYTHONUSERBASE": str(tmp_path)}
    where = [base, "-c", "import site; print(site.getusersitepackages())"]
    own = subprocess.run(where, env=environ, capture_output=True, text=True, check=True).stdout
    shutil.copytree(CHECKOUT / "src" / "worker_manager", Path(own.strip()) / "worker_manager")

    refused = subprocess.run(
        [base, "-m", "worker_manager", "demo"], env=environ, capture_output=True, text=True
    )

    assert refused.returncode == 1
    assert "Install it with pipx, uv tool" in refused.stderr
