"""Our texts as a person reads them, and text in columns."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import CHECKOUT
from worker_manager.cli.registry import COMMANDS
from worker_manager.cli.terminal.columns import broken, cut, fill, width
from worker_manager.dashboard.wording import KEYS
from worker_manager.errors import InvalidInput, NextStep, Text, option, step
from worker_manager.text.commands import COMMAND_OF, for_people
from worker_manager.text.rendering import TOOL_OF, for_models

WISH = step("nudge", id="ab", message="Merge main.")


@pytest.mark.parametrize(
    ("said", "by_tools", "by_commands"),
    [
        (step("list"), "list_workers", "worker-manager ls"),
        (
            step("nudge", id="ab", message=...),
            'nudge_worker(id="ab", message=...)',
            'worker-manager nudge ab "..."',
        ),
        (
            step("reply", id="ab", message=...),
            'nudge_worker(id="ab", message=...)',
            'worker-manager answer ab "..."',
        ),
        (
            step("answer", id="ab", decision=["allow", "deny"], message_id="m1"),
            'answer_worker(id="ab", decision="allow" or "deny", message_id="m1")',
            "worker-manager answer ab allow|deny --message-id m1",
        ),
        (
            WISH,
            'nudge_worker(id="ab", message="Merge main.")',
            "worker-manager nudge ab 'Merge main.'",
        ),
        (
            step("clean", ids=["a", "b"]),
            'clean_workers(ids=["a", "b"])',
            "worker-manager clean a b",
        ),
        (
            step("clean", dry_run=True),
            "clean_workers(dry_run=true)",
            "worker-manager clean --dry-run",
        ),
        (
            option("permission_mode", "plan"),
            'permission_mode="plan"',
            "--permission-mode plan",
        ),
        (option("use_worktree", False), "use_worktree=false", "--no-worktree"),
        (option("allowed_paths"), "allowed_paths", "--allowed-path"),
        (option("force", True), "force=true, once your user has agreed,", "--force"),
        ("nudge_worker is a worker's word", *["nudge_worker is a worker's word"] * 2),
    ],
)
def test_a_next_step_is_a_tool_or_a_command(
    said: str | NextStep, by_tools: str, by_commands: str
) -> None:
    assert for_models(said) == by_tools
    assert for_people(said) == by_commands


def test_a_text_keeps_the_steps_of_those_in_it() -> None:
    inner = InvalidInput(Text("First ", WISH, "."))
    text = Text("Then: ", inner.text, f" It is {WISH}.")

    assert text == str(text) == "Then: First nudge. It is nudge."
    assert for_models(text) == f"Then: First {for_models(WISH)}. It is nudge."
    assert for_people(text) == f"Then: First {for_people(WISH)}. It is nudge."


def test_every_tool_is_an_action_with_a_command() -> None:
    sources = (CHECKOUT / "src/worker_manager/servers").rglob("*.py")
    decorated = r"@toolbox\.tool\(.*?\n    def (\w+)\("
    tools = {
        name for path in sources for name in re.findall(decorated, path.read_text("utf-8"), re.S)
    } - {"ask", "complete"}

    assert len(tools) == 12
    assert set(TOOL_OF.values()) == tools
    assert TOOL_OF.keys() == COMMAND_OF.keys()
    assert {line.split()[0] for line in COMMAND_OF.values()} <= COMMANDS.keys()
    assert KEYS.keys() <= TOOL_OF.keys()


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
