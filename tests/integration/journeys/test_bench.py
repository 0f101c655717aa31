"""The bench drives a version from outside alone, and says what it saw."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import builds, processes, syncs, table
from bench.crew import commit, crew
from bench.measuring import Row

REAPER = Path(builds.__file__).with_name("reaper.py")


def test_a_worker_is_started_and_completes_by_what_people_and_sessions_have():
    with crew(builds.own()) as made, made.orchestrator() as orchestrator:
        worker = made.worker(orchestrator)
        commit(made, worker)
        with made.server_of(worker) as server:
            assert server.call("ask", question="Which?")["answer"] is None
            server.call("complete", summary="Done.")
            assert server.pss() > 1_000_000
        assert made.statuses(orchestrator) == ["completed"]
        assert processes.run([made.build.launcher, "ls"], made.shell, made.repository).cpu > 0
        with pytest.raises(RuntimeError, match="no-such-worker"):
            orchestrator.call("stop_worker", id="no-such-worker")
    assert not made.folder.exists()


@pytest.mark.skipif(not syncs.can_count(), reason="no strace here, or it may not look")
def test_what_waits_for_the_disk_is_counted():
    with crew(builds.own()) as made:
        with made.orchestrator() as orchestrator:
            worker = made.worker(orchestrator)

        def count(tool: str, **arguments: object) -> int:
            return syncs.count(
                lambda words: made.server_of(worker, words),
                lambda server: server.call(tool, **arguments),
            )

        assert count("ask", question="Which?") > 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody hears of orphans")
def test_what_a_program_leaves_behind_is_waited_for(tmp_path):
    behind = "import time; [i * i for i in range(2_000_000)]; time.sleep(0.2)"
    leaving = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]],"
        " stdout=subprocess.DEVNULL, start_new_session=True); print('done')"
    )
    python = [sys.executable, "-I", "-S"]
    command = [*python, str(REAPER), str(tmp_path / "used"), *python, "-c", leaving, behind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cpu, everything = json.loads((tmp_path / "used").read_text("utf-8"))
    assert done.stdout == "done\n"
    assert 0 < cpu < everything


def test_a_checkout_without_its_environment_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="has no environment"):
        builds.at(str(tmp_path))


def test_a_line_says_how_a_goal_stands():
    met = Row("ls", "python -c pass", 0.05, 0.01, 8.0)
    assert "missed" not in table.line(met)
    assert "missed" in table.line(met._replace(goal=4.0))
    assert "FAR OFF" in table.line(met._replace(goal=2.0))
    assert table.markdown_line(met._replace(goal=4.0)).startswith(
        "| ls | 50.00 ms | python -c pass, 10.00 ms | 5.00 | 4.00, missed |"
    )
