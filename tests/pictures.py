"""Takes the README's picture of the live view, from the real program with a crew that always looks
the same.

    python -m tests.pictures [DIRECTORY]
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import uuid
from pathlib import Path

from tests.conftest import CHECKOUT, end_tmux, make_fleet
from tests.support.scripted import stage
from tests.support.terminals.watching import Watched, repository_at
from worker_manager.dashboard.app import WatchApp

SIZES = {"watch": (100, 30), "watch-80x24": (80, 24), "watch-120x40": (120, 40)}


def main(folder: Path) -> None:
    """The README's picture alone, or all sizes on both backgrounds into another directory."""
    home = CHECKOUT / "docs" / "pictures"
    names = ["watch"] if folder == home else list(SIZES)
    with tempfile.TemporaryDirectory() as place:
        _prepare(Path(place))
        for name in names:
            for is_light in (False,) if folder == home else (False, True):
                svg = asyncio.run(take(Path(place), SIZES[name], is_light=is_light))
                path = folder / f"{name}{'-light' if is_light else ''}.svg"
                path.write_text(svg, "utf-8")


async def take(place: Path, size: tuple[int, int], *, is_light: bool) -> str:
    """As SVG, of a crew in a directory of its own."""
    folder = place / uuid.uuid4().hex[:8]
    folder.mkdir()
    os.environ["WORKER_MANAGER_STATE_DIR"] = str(folder / "state")
    socket = f"wm-picture-{os.getpid()}"
    try:
        project = stage.project(folder)
        stage.build(folder, make_fleet(project, socket))
        app = WatchApp(repository_at(project, socket), is_light_terminal=is_light)
        async with app.run_test(size=size) as pilot:
            view = Watched(app, pilot)
            await view.sees(*stage.FIGURES, "14 passed")
            return _plain(app.export_screenshot(title="worker-manager watch"))
    finally:
        end_tmux(socket)


def structure_of(svg: str) -> str:
    """The texts of a picture without what time changes: when two are equal, it shows the same."""
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return "\n".join(re.sub(r"\d+[smhd]\b", "AGE", text).strip("&#160;") for text in texts)


def _plain(svg: str) -> str:
    """Names that are the same each time, and no font from elsewhere."""
    svg = re.sub(r"terminal-\d+", "terminal-watch", svg)
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def _prepare(place: Path) -> None:
    """A home of its own: no picture shows anything of the person who takes it."""
    (place / ".gitconfig").write_text("[user]\n name = A\n email = a@example.invalid\n", "utf-8")
    os.environ["HOME"] = str(place)
    for name in ("TMUX", "NO_COLOR", "CLAUDE_CODE_SESSION_ID"):
        os.environ.pop(name, None)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else CHECKOUT / "docs" / "pictures")
