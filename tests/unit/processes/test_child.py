"""A process that has ended is not waited for any longer."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from subprocess import PIPE

import pytest

from worker_manager.processes.child import Child


@pytest.fixture
def endless() -> Iterator[Child[bytes]]:
    with Child(["sleep", "1000"]) as child:
        yield child
        child.kill()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the kernel does not tell")
def test_the_kernel_tells_when_it_has_ended() -> None:
    # It ends some time after its answer, as every process does.
    script = "import os, time; print('yes', flush=True); os.close(1); time.sleep(1); os._exit(7)"
    with Child([sys.executable, "-Ic", script], stdout=PIPE, text=True) as child:
        before = naps()
        answer, _ = child.communicate(timeout=100)
        slept = naps() - before

    assert (answer, child.returncode) == ("yes\n", 7)
    assert slept < 12, "it looked again and again: some 25 times in a second"


def naps() -> int:
    """How often this thread has gone to sleep."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def test_it_is_waited_for_only_so_long(endless: Child[bytes]) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        endless.wait(0.1)
    with pytest.raises(subprocess.TimeoutExpired):
        endless.wait(-1)
    assert endless.poll() is None


def test_it_is_waited_for_without_a_pidfd_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)

    assert Child(["true"]).wait(100) == 0


def test_a_limit_may_be_longer_than_the_kernel_takes() -> None:
    assert Child(["true"]).wait(1e10) == 0
