"""The plugin's own environment, set up in steps by the real pip."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.integration.installation.conftest import Plugin
from tests.support.checkouts import copy
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


def test_an_installer_that_outlives_the_set_up_holds_the_lock(
    plugin: Plugin, tmp_path: Path
) -> None:
    plugin.start()
    begun, go = tmp_path / "begun", tmp_path / "go"
    script = f'echo $$ > "{begun}.new"; mv "{begun}.new" "{begun}"\n'
    script += f'until [ -e "{go}" ]; do sleep 0.1; done'
    environ = with_uv(plugin, tmp_path, script)
    killed = subprocess.Popen(plugin.requiring("watch"), env=environ, stderr=subprocess.DEVNULL)
    wait_until(begun.exists)
    killed.kill()
    killed.wait()

    with (plugin.data / f"{plugin.venv.name}.lock").open() as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        go.touch()
        fcntl.flock(lock, fcntl.LOCK_EX)


def test_halves_that_uv_has_left_are_made_whole_by_pip(plugin: Plugin, tmp_path: Path) -> None:
    half = 'while [ "$1" != --target ]; do shift; done; mkdir "$2/idna-1.0.dist-info"'

    done = plugin.start(**with_uv(plugin, tmp_path, half))

    assert done.returncode == 0, done.stderr
    assert (first(plugin).parent / "idna-1.0.dist-info" / "METADATA").exists()


def test_a_persons_own_settings_of_pip_change_nothing(plugin: Plugin, tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nprefix = {tmp_path}/p\nroot = {tmp_path}/r\n", "utf-8")
    other = tmp_path / "other.txt"
    other.write_text("idna==7\n", "utf-8")

    done = plugin.start(
        PIP_CONFIG_FILE=str(settings),
        PIP_DRY_RUN="1",
        PIP_CONSTRAINT=str(other),
        PIP_REQUIREMENT=str(other),
        PIP_PLATFORM="win32",
    )

    assert (done.returncode, first(plugin).exists()) == (0, True), done.stderr


def test_an_installer_that_installs_nothing_is_not_believed(plugin: Plugin, tmp_path: Path) -> None:
    assert plugin.start(**with_uv(plugin, tmp_path, "exit 0")).returncode == 0
    assert first(plugin).exists()  # pip has come after it


def test_installers_stand_in_the_root_and_find_what_was_named_from_elsewhere(
    plugin: Plugin, tmp_path: Path
) -> None:
    environ = with_uv(plugin, tmp_path, f'pwd > "{tmp_path}/where"')
    environ["PIP_FIND_LINKS"] = "index"

    done = subprocess.run(plugin.command, env=environ, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "where").read_text("utf-8") == "/\n"


def test_a_step_that_came_since_the_process_began_is_found(plugin: Plugin) -> None:
    plugin.start()
    folder = plugin.venv / "steps" / "watch"
    code = (
        f"import os; os.mkdir({str(folder)!r}); open({str(folder / 'rich.py')!r}, 'w').close()\n"
        "from worker_manager.installation import environment\n"
        "environment.require('watch')\nimport rich"
    )
    command = [str(plugin.venv / "bin" / "python"), "-I", "-c", code]

    assert subprocess.run(command, env=plugin.environ, check=False).returncode == 0


def test_another_division_into_steps_gets_an_environment_of_its_own(plugin: Plugin) -> None:
    plugin.start()
    with (plugin.root / "src/worker_manager/installation/steps.py").open("a") as steps:
        steps.write("# another one\n")

    assert "setting up" in plugin.start().stderr


def test_the_environment_ends_with_the_version_of_python_it_was_made_from(plugin: Plugin) -> None:
    plugin.start()
    links = [one.readlink() for one in (plugin.venv / "bin").glob("python*")]
    (made_from,) = [one for one in links if one.is_absolute()]

    assert made_from == made_from.resolve()


@pytest.mark.parametrize("odd", [b"a:b", b"a\xff"])
def test_of_an_impossible_path_one_sentence_is_said(
    plugin: Plugin, tmp_path: Path, odd: bytes
) -> None:
    data = tmp_path / os.fsdecode(odd) / "data"

    failed = plugin.start(CLAUDE_PLUGIN_DATA=str(data))

    assert failed.returncode == 1
    (said,) = failed.stderr.splitlines()
    assert "Move the plugin" in said


def read_if_open(terminal: int) -> bytes:
    """What comes next; empty when all that was written was read, and nobody writes any more."""
    try:
        return os.read(terminal, 100_000)
    except OSError:
        return b""


def test_on_a_terminal_one_line_is_written_anew(plugin: Plugin) -> None:
    ours, its = pty.openpty()
    done = subprocess.run(
        plugin.command, env=plugin.environ, stdin=its, stdout=its, stderr=its, check=False
    )
    os.close(its)
    shown = b"".join(iter(partial(read_if_open, ours), b"")).decode()
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
    copy(CHECKOUT / "src" / "worker_manager", Path(own.strip()) / "worker_manager")

    refused = subprocess.run(
        [base, "-m", "worker_manager", "demo"], env=environ, capture_output=True, text=True
    )

    assert refused.returncode == 1
    assert "Install it with pipx, uv tool" in refused.stderr
