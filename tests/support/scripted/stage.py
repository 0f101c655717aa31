"""A crew that always looks the same, for pictures: its records, mail, transcripts and its one real
terminal are made here; the program that shows them is the real one.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import git, make_repository
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.reporting import reports
from worker_manager.domain import message as messages
from worker_manager.domain.identifiers import worker_name
from worker_manager.domain.worker import Merge, Report, Status, Worker
from worker_manager.state.mail import receipts
from worker_manager.worktrees import marks

QUESTION = "Keep the old `--colour` option as an alias of `--theme`, or drop it in this release?"
_TERMINAL = """\
\\033[1m●\\033[0m I have both palettes. Before I go on I need a decision.

\\033[1m●\\033[0m \\033[1mBash\\033[0m(pytest tests/theme -q)
  \\033[2m⎿\\033[0m  \\033[32m14 passed\\033[0m in 0.61s

\\033[1m●\\033[0m \\033[1mask\\033[0m(Keep the old \\`--colour\\` option as an alias?)
  \\033[2m⎿\\033[0m  \\033[33mwaits for the answer ...\\033[0m
"""


class _Part(NamedTuple):
    id: str
    title: str
    status: str
    minutes: int
    tokens: int
    lines: tuple[int, int]
    doing: str = ""
    reason: str = ""


_CREW = (
    _Part("4c1d09ab", "Fix the flaky export test", "running", 4, 812_000, (37, 12), "pytest -q"),
    _Part("7be22f10", "Add a dark mode", "asking", 2, 1_430_000, (184, 23)),
    _Part("91aa5c3e", "Upgrade the driver", "blocked", 6, 655_000, (21, 9), "", "permission: Bash"),
    _Part("a07f4416", "Réparer les dates", "running", 1, 298_000, (58, 4), "ls export"),
    _Part("b35d8e72", "Document the settings", "completed", 19, 540_000, (126, 0)),
    _Part("c9e01d55", "Speed up the start", "queued", 3, 0, (0, 0), "", "4 work at once here"),
    _Part("d1f6a248", "Remove the old importer", "completed", 47, 920_000, (12, 418)),
)
#: What the list shows of their work, once git was asked about each.
FIGURES = [f"+{one.lines[0]} -{one.lines[1]}" for one in _CREW if one.tokens]
_SAID = {"asking": QUESTION, "completed": "Done; all checks pass."}


def build(folder: Path, fleet: Fleet) -> None:
    """All of it, in the repository that the fleet's project is."""
    script = folder / "terminal.sh"
    script.write_text(f'printf "{_TERMINAL}"\nexec sleep 1000\n', "utf-8")
    handle = fleet.context.runtime.handle_for("stage")
    fleet.context.runtime.launch(handle, ["sh", str(script)], cwd=str(folder))
    now = datetime.now(UTC)
    for number, part in enumerate(_CREW):
        worker = _worker(folder, part, fleet.owner, now - timedelta(minutes=60 - number), handle)
        fleet.records.create(worker)
        if part.tokens:
            transcript = folder / f"{part.id}.jsonl"
            transcript.write_text(_transcript(part), "utf-8")
            receipts.note_transcript(fleet.records.home(part.id), str(transcript))
    asking = fleet.records.load("7be22f10")
    reports.tell_once(fleet.records, asking, messages.QUESTION, "m7be22f10aaaa", QUESTION)


def project(folder: Path) -> Path:
    """The repository that they work in."""
    return make_repository(folder / "shop")


def _worker(folder: Path, part: _Part, owner: str, created: datetime, handle: str) -> Worker:
    changed = datetime.now(UTC) - timedelta(minutes=part.minutes, seconds=20)
    tree, base = _tree(folder, part)
    at = changed.isoformat(timespec="milliseconds")
    said = _SAID.get(part.status, "")
    worker = Worker(
        id=part.id,
        name=worker_name(part.title, part.id),
        title=part.title,
        owner=owner,
        created_at=created.isoformat(timespec="milliseconds"),
        project=str(folder / "shop"),
        path=str(tree),
        agent="claude",
        session_id=f"session-{part.id}",
        handle=handle,
        mark="mark",
        status=Status(part.status),
        changed_at=at,
        reason=part.reason,
        branch=f"worker/{part.id}" if part.tokens else "",
        base_branch="main",
        base_sha=base,
        launched=bool(part.tokens),
        report=Report(f"m{part.id}aaaa", "report", said, at) if said else None,
    )
    if part.id == "d1f6a248":
        return worker._replace(merge=Merge("main", "merge", base, base, base, at, done=True))
    return worker


def _tree(folder: Path, part: _Part) -> tuple[Path, str]:
    """A worktree with so many lines added and removed since the base; path and base."""
    shop, tree = folder / "shop", folder / "trees" / part.id
    added, removed = part.lines
    git(shop, "worktree", "add", "-q", "-b", f"worker/{part.id}", str(tree))
    old = tree / "old.txt"
    old.write_text("line\n" * removed, "utf-8")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "--allow-empty", "-m", "base")
    base = git(tree, "rev-parse", "HEAD")
    old.unlink()
    (tree / "new.txt").write_text("".join(f"line {n}\n" for n in range(added)), "utf-8")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "--allow-empty", "-m", part.title)
    marks.mark(marks.pointed_at(str(tree)), f"worker/{part.id}")
    return tree, base


def _transcript(part: _Part) -> str:
    """Two requests, the last one of a common size."""
    last = 86_000
    return _line(part, "first", part.tokens - last) + _line(part, "last", last)


def _line(part: _Part, name: str, tokens: int) -> str:
    usage = {
        "input_tokens": tokens // 50,
        "cache_read_input_tokens": tokens * 46 // 50,
        "cache_creation_input_tokens": tokens // 50,
        "output_tokens": tokens // 50,
    }
    tool = {"type": "tool_use", "name": "Bash", "input": {"command": part.doing or "ls"}}
    message: dict[str, Any] = {
        "id": f"{name}-{part.id}",
        "model": "claude-sonnet-4-5",
        "usage": usage,
        "content": [tool],
    }
    line = {"type": "assistant", "timestamp": "2026-01-01T12:00:00Z", "message": message}
    return json.dumps(line) + "\n"
