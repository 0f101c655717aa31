"""The live view in a browser: on loopback, with a token, and with nothing from elsewhere."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.scripted.workers import recorded_worker
from tests.support.terminals.browser import browsing
from tests.support.waiting import WAIT_SECONDS
from worker_manager.crew.fleet import Fleet
from worker_manager.domain.worker import Status

pytestmark = pytest.mark.anyio
WATCH = [sys.executable, "-I", "-m", "worker_manager", "watch", "--web"]


@pytest.fixture
def address(fleet: Fleet, repository: Path, tmux_socket: str) -> Iterator[str]:
    """Where a worker that asks is shown; all of it ends with Ctrl-C."""
    recorded_worker(fleet, repository, title="Greet", status=Status.FAILED, reason="SHOWN-1")
    server = subprocess.Popen(
        WATCH,
        cwd=repository,
        env={**os.environ, "WORKER_MANAGER_TMUX_SOCKET": tmux_socket},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    first = server.stdout.readline()
    found = re.fullmatch(r"Open (http://127\.0\.0\.1:\d+/[\w-]{32}/)\n", first)
    assert found, first
    yield found[1]
    server.send_signal(signal.SIGINT)
    server.stdout.close()
    assert server.wait(WAIT_SECONDS) == 0


@pytest.mark.promise("watch-token")
async def test_without_the_token_everything_is_refused(address: str) -> None:
    root, token = address.rstrip("/").rsplit("/", 1)
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    async with aiohttp.ClientSession() as client:

        async def status(url: str, **headers: str) -> int:
            async with client.get(url, headers=headers) as answer:
                return answer.status

        for path in ("", "/", "/ws", "/static/js/textual.js", f"/{wrong}/", f"/{wrong}/ws"):
            assert await status(f"{root}{path}") == 403, path
        for path in ("/ws", f"/{wrong}/ws"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(f"{root}{path}")
            assert refused.value.status == 403
        assert await status(address) == 200
        assert await status(f"{address}static/js/textual.js") == 200
        # A page of somebody else's, and a name that somebody else has pointed here.
        assert await status(address, Origin="http://example.invalid") == 403
        assert await status(address, Host="example.invalid") == 403


async def test_a_real_browser_shows_it_takes_keys_and_asks_nobody_else(
    address: str, tmp_path: Path
) -> None:
    async with browsing(tmp_path / "profile") as tab:
        await tab.open(address)
        await tab.hears("SHOWN-1")
        await tab.click()
        await tab.press("?")
        await tab.hears("Looking changes nothing")

        picture = await tab.screenshot()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 10_000  # an empty page has 3,000
        host = address.split("/")[2]
        places = {one.split("/")[2] for one in tab.asked if not one.startswith("data:")}
        assert places == {host}
        assert any(one.startswith("ws://") for one in tab.asked)


async def test_it_listens_on_loopback_only(address: str) -> None:
    port = int(address.split(":")[2].split("/")[0])
    name = socket.gethostbyname(socket.gethostname())
    if name.startswith("127."):
        pytest.skip("this machine has no other address")
    with socket.socket() as other:
        assert other.connect_ex((name, port)) != 0


async def test_a_port_that_is_taken_is_one_sentence(repository: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*WATCH, "--port", port], cwd=repository, capture_output=True, text=True, check=False
        )

    assert done.returncode == 1
    assert done.stderr.startswith(f"worker-manager: Port {port} can't be used")
    assert len(done.stderr.splitlines()) == 1
