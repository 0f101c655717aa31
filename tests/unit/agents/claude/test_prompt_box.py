"""What stands in Claude Code's prompt, by its screen."""

import pytest

from tests.support.claude import screens
from worker_manager.agents.claude.prompt_box import draft
from worker_manager.domain.screen import Screen


@pytest.mark.parametrize("name", ["EMPTY", "FRESH", "EXAMPLE", "SUGGESTION"])
def test_an_empty_prompt_is_empty_whatever_claude_code_itself_shows_in_it(name: str) -> None:
    assert draft(getattr(screens, name)) == ""


@pytest.mark.parametrize(
    ("screen", "text"),
    [
        (screens.DRAFT, "my draft"),
        (screens.DRAFT_FROM_ITS_START, "my draft"),
        (screens.DRAFT_OF_ONE_LETTER, "x"),
        (screens.DRAFT_OF_BLANKS, " "),
        (screens.COLOURED_DRAFT, "/clear"),
        (screens.DRAFT_AMONG_HINTS, "ab"),
        (screens.THREE_LINES, "line one\n  line two\n  third"),
    ],
)
def test_a_draft_is_told_wherever_its_cursor_is(screen: Screen, text: str) -> None:
    assert draft(screen) == text


@pytest.mark.parametrize("name", ["SHELL_MODE", "HISTORY_SEARCH", "PERMISSION", "TRANSCRIPT"])
def test_where_keys_would_go_elsewhere_there_is_no_prompt(name: str) -> None:
    assert draft(getattr(screens, name)) is None


def test_a_cursor_that_is_hidden_or_elsewhere_is_in_no_prompt() -> None:
    assert draft(screens.EMPTY._replace(cursor=(0, 1))) is None
    assert draft(screens.EMPTY._replace(cursor=(0, 99))) is None
    assert draft(Screen((), (0, 0), False)) is None
