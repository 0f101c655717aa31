"""Below its edges no text names a tool: what to do next is a `NextStep` in it."""

import ast
import re
from collections.abc import Iterator

from tests.conftest import CHECKOUT
from worker_manager.text.rendering import TOOL_OF

SOURCES = CHECKOUT / "src/worker_manager"
#: Rooms whose texts a model and a person read.
ROOMS = ("agents", "callbacks", "crew", "dashboard", "domain", "processes", "runtimes", "state")
MORE = ("text", "views", "worktrees", "config.py", "errors.py")
#: Bodies of letters: they are kept as they were sent, and it is a model that they are sent to.
LETTERS = {
    "crew/integration/merge.py": {"merge_worker"},
    "crew/supervision/budgets.py": {"nudge_worker", "restore_worker"},
    "crew/supervision/conflicts.py": {"merge_worker", "nudge_worker"},
}
TOOL = re.compile(rf"\b({'|'.join(TOOL_OF.values())})\b")


def files() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS + MORE:
        place = SOURCES / room
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            yield path.relative_to(SOURCES).as_posix(), ast.parse(path.read_text("utf-8"))


def texts(tree: ast.Module) -> Iterator[str]:
    """Its string constants but for docstrings."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            is_text = isinstance(child, ast.Constant) and isinstance(child.value, str)
            if is_text and not isinstance(node, ast.Expr):
                yield child.value


def test_no_text_below_the_edges_names_a_tool() -> None:
    named = {
        name: {tool for text in texts(tree) for tool in TOOL.findall(text)}
        for name, tree in files()
        if name != "text/rendering.py"
    }

    assert {name: tools for name, tools in named.items() if tools} == LETTERS


def test_each_step_is_an_action_that_the_edges_have_words_for() -> None:
    actions = {
        node.args[0].value
        for _, tree in files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("step", "NextStep")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }

    assert {"list", "restore", "nudge"} <= actions
    assert actions - {""} <= TOOL_OF.keys()
