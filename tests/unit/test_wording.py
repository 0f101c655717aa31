"""Our texts as a person reads them, and text in columns."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import CHECKOUT
from worker_manager.cli.terminal.columns import broken, cut, fill, width
from worker_manager.text.commands import for_people


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Call list_workers for the ids.", "See worker-manager ls for the ids."),
        (
            'It waits: nudge_worker(id="ab", message=...).',
            'It waits: worker-manager nudge ab "...".',
        ),
        (
            'answer_worker(id="ab", decision="allow" or "deny", message_id="m1"); with deny',
            "worker-manager answer ab allow|deny --message-id m1; with deny",
        ),
        ('nudge_worker(id="ab", message="Merge main.")', "worker-manager nudge ab 'Merge main.'"),
        (
            'Answer with nudge_worker(id="ab", message=...).',
            'Answer with worker-manager answer ab "...".',
        ),
        ("not merged into main: merge_worker it first", "not merged into main: merge it first"),
        ("Wait for it, or stop_worker it.", "Wait for it, or stop it."),
        ("Give permission_mode=plan.", "Give --permission-mode plan."),
        ("Commit, or give use_worktree=false.", "Commit, or give --no-worktree."),
        ('clean_workers(ids=["a", "b"])', "worker-manager clean a b"),
        ("clean_workers(dry_run=true) tells", "worker-manager clean --dry-run tells"),
        ("Ask your user; force=true takes it.", "--force takes it."),
    ],
)
def test_tools_become_commands(ours: str, theirs: str) -> None:
    assert for_people(ours) == theirs


def test_every_tool_has_its_command() -> None:
    sources = (CHECKOUT / "src/worker_manager/servers").rglob("*.py")
    decorated = r"@server\.tool\(.*?\n    (?:async )?def (\w+)\("
    tools = {
        name for path in sources for name in re.findall(decorated, path.read_text("utf-8"), re.S)
    } - {"ask", "complete"}

    assert len(tools) == 12
    assert {tool for tool in tools if for_people(tool) == tool} == set()


@given(st.text(), st.integers(0, 40))
def test_cut_text_is_a_beginning_that_fits(text: str, columns: int) -> None:
    shown = cut(text, columns)

    assert width(shown) <= columns
    assert text.startswith(shown.removesuffix("…")) or shown == text
    assert width(fill(text, columns)) == columns


@given(st.text(), st.integers(2, 40))
def test_broken_lines_fit_and_lose_nothing_but_spaces(text: str, columns: int) -> None:
    lines = broken(text, columns)

    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wide_and_joining_characters_are_counted_as_terminals_show_them() -> None:
    assert [width(text) for text in ("ab", "日本", "e\u0301", "🎉", "a\u200db")] == [2, 4, 1, 2, 2]
