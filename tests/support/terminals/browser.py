"""A real headless browser, driven by its debugging protocol."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.waiting import WAIT_SECONDS

PROGRAMS = ("chromium-headless-shell", "chromium", "google-chrome", "chrome")


def browser_program() -> str:
    """Its path. Without one the test is skipped here, and fails in CI."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail(f"no browser: install one of {', '.join(PROGRAMS)}")
    pytest.skip(f"no browser: install one of {', '.join(PROGRAMS)}")


class Tab:
    """One page; `heard` is what its web sockets were sent, `asked` the addresses it wanted."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._calls = 0
        self.heard = b""
        self.asked: list[str] = []

    async def open(self, address: str) -> None:
        """Goes there."""
        for domain in ("Network", "Page"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=address)

    async def hears(self, text: str) -> None:
        """Waits until a web socket was sent that."""
        async with asyncio.timeout(WAIT_SECONDS):
            while text.encode() not in self.heard:
                self._note(await self._socket.receive_json())

    async def click(self) -> None:
        """In the middle of the page."""
        for kind in ("mousePressed", "mouseReleased"):
            place = {"x": 500, "y": 400, "button": "left", "clickCount": 1}
            await self.call("Input.dispatchMouseEvent", type=kind, **place)

    async def press(self, letter: str) -> None:
        """A key."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def screenshot(self) -> bytes:
        """As PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """A command of the protocol; its result."""
        self._calls += 1
        number = self._calls
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(WAIT_SECONDS):
            while (answer := await self._socket.receive_json()).get("id") != number:
                self._note(answer)
        return dict(answer["result"])

    def _note(self, event: dict[str, Any]) -> None:
        given = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.asked.append(given["request"]["url"])
        if event.get("method") == "Network.webSocketCreated":
            self.asked.append(given["url"])
        if event.get("method") == "Network.webSocketFrameReceived":
            frame = given["response"]
            data = frame["payloadData"]
            self.heard += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """A browser with an empty page, its profile in that folder."""
    options = ["--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        [browser_program(), "--headless", *options, "--window-size=1000,600", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        lines = (re.search(r"ws://127\.0\.0\.1:(\d+)/", line) for line in process.stderr)
        found = next(filter(None, lines))
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{found[1]}/json/list") as answer:
                (page,) = [one for one in await answer.json() if one["type"] == "page"]
            async with client.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the program may be a script that starts another
        process.wait()
        if process.stderr:
            process.stderr.close()
