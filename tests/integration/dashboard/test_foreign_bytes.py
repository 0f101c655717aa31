"""The live view draws whatever text there is, in a browser, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_DRAW = """
import asyncio, os
from worker_manager.dashboard.app import WatchApp
from worker_manager.crew.repository import Repository
from worker_manager.state.layout import state_root
app = WatchApp(Repository(state_root(), os.getcwd(), os.environ), is_light_terminal=True)
async def draw():
    driver = app.driver_class(app)
    assert driver.is_web
    driver.write("caf\\udce9 \\ud800 \\u00e9")
asyncio.run(draw())
"""


@pytest.mark.promise("text-whole")
def test_half_a_character_does_not_end_the_view_in_a_browser(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _DRAW],
        cwd=repository,
        env={**os.environ, "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"},
        input=b"",
        capture_output=True,
        check=False,
    )

    text = "caf? ? \u00e9".encode()
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b"D" + len(text).to_bytes(4, "big") + text
