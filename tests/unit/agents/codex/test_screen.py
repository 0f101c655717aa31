"""What stands on Codex's screen, as 0.171.0 drew it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from worker_manager.agents.codex.reset_times import limit_end
from worker_manager.agents.codex.screen import dialog, draft
from worker_manager.agents.codex.start_dialogs import start_dialog
from worker_manager.domain.screen import Screen

EMPTY = "\x1b[1m›\x1b[0m\x1b[39m\x1b[49m \x1b[2mAsk Codex to do anything"  # noqa: RUF001
DRAFT = "\x1b[1m›\x1b[0m\x1b[39m\x1b[49m my draft"  # noqa: RUF001
SAID = "\x1b[1;2m› \x1b[0m\x1b[38;5;255m\x1b[48;5;238mW4 SLOW"  # noqa: RUF001
FOOTER = "  \x1b[38;5;223mGPT-6.1-Sol default\x1b[39m · \x1b[38;5;151m/home/person"
ASKS = """\
• Running touch /etc/zzz
  Would you like to run the following command?
  Environment: local
  Reason: need it
  $ touch /etc/zzz
› 1. Yes, proceed (y)
  2. Yes, and don't ask again for commands that start with `touch /etc/zzz` (p)
  3. No, and tell Codex what to do differently (esc)
  Press enter to confirm or esc to cancel"""  # noqa: RUF001
BERLIN = timezone(timedelta(hours=1))
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("lines", "cursor", "text"),
    [
        ((SAID, "", EMPTY, "", FOOTER), (2, 2), ""),
        ((SAID, "", DRAFT, "", FOOTER), (10, 2), "my draft"),
        ((SAID, "", EMPTY, "", FOOTER), (4, 3), " "),  # a second line is being written
        (tuple(ASKS.splitlines()), (0, 0), "1. Yes, proceed (y)"),
        (("Welcome", FOOTER), (0, 0), None),
    ],
)
def test_one_types_only_where_an_empty_prompt_stands(
    lines: tuple[str, ...], cursor: tuple[int, int], text: str | None
) -> None:
    assert draft(Screen(lines, cursor, False)) == text


def test_a_dialog_is_what_stands_at_the_end() -> None:
    assert dialog(ASKS).startswith("Would you like to run the following command?")
    assert "$ touch /etc/zzz" in dialog(ASKS)
    answered = ASKS.replace("› 1.", "  1.")  # noqa: RUF001
    assert dialog(f"{answered}\n• Ran touch /etc/zzz") == ""
    assert dialog("I ask: Would you like to run the following command?") == ""


@pytest.mark.parametrize(
    ("screen", "name"),
    [
        ("  Folder access\n  Trust this folder? Codex can read", "trust dialog"),
        ("  Choose how you want to use Codex.\n> 1. Sign in with ChatGPT", "login"),
        ("  Hooks need review\n  2 hooks are new or changed.", "hooks to review"),
    ],
)
def test_start_dialogs_are_known(screen: str, name: str) -> None:
    found = start_dialog(screen)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("or try again at 9:06 PM.", datetime(2026, 11, 28, 21, 7, tzinfo=BERLIN)),
        ("or try again at 9:06 AM.", datetime(2026, 11, 29, 9, 7, tzinfo=BERLIN)),
        ("try again at Dec 2nd, 2026 12:30 AM.", datetime(2026, 12, 2, 0, 31, tzinfo=BERLIN)),
        ("try again at 12:00 PM.", datetime(2026, 11, 28, 12, 1, tzinfo=BERLIN)),
        ("try again at 11:06 AM.", datetime(2026, 11, 28, 12, 1, tzinfo=BERLIN)),
        ("try again at 10:59 AM.", datetime(2026, 11, 29, 11, 0, tzinfo=BERLIN)),
        ("try again at Nov 28th, 2026 11:59 AM.", datetime(2026, 11, 28, 12, 1, tzinfo=BERLIN)),
        ("try again at Feb 31st, 2026 12:30 AM.", None),
        ("try again at 25:99 PM.", None),
        ("Try again later.", None),
    ],
)
def test_a_limit_ends_when_it_says(text: str, at: datetime | None) -> None:
    assert limit_end(text, NOON) == at


def test_a_limit_that_ended_before_midnight_is_over() -> None:
    soon = NOON.replace(hour=0, minute=5)
    assert limit_end("try again at 11:50 PM.", soon) == soon + timedelta(minutes=1)
