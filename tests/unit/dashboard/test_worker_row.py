"""The small parts of the live view."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from worker_manager.dashboard import background, worker_row
from worker_manager.dashboard.terminal import coloured, plain
from worker_manager.dashboard.wording import for_people
from worker_manager.errors import Text, step


@pytest.mark.parametrize("text", ["", "abc", "x" * 50, "日本語" * 9, "a\u0301" * 30])
def test_a_text_is_cut_by_its_cells_and_shows_it(text: str) -> None:
    cut = worker_row.cut(text, 10)

    assert cell_len(cut) <= 10
    assert cut == text or cut.endswith("…")


def test_a_terminals_line_keeps_its_colours_and_nothing_else() -> None:
    line = coloured("\x1b[31mred\x1b[39m \x1b[1;48;5;237mx\x1b[0m\x1b]0;title\x07\x1b[2J [b]y[/b]")

    assert line.plain == "red x]0;title[2J [b]y[/b]"
    colours = {line.plain[one.start : one.end]: one.style for one in line.spans}
    assert "1" in str(getattr(colours["red"], "color", ""))
    assert getattr(colours[" "], "color", "none") is None


def test_a_text_is_shown_without_control_characters() -> None:
    assert [one.plain for one in plain("a\tb\n\x1b[31m\u202ec")] == ["a   b", "[31mc"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (Text("Next step: ", step("nudge", id="a", message="x"), "."), "Next step: nudge (n)."),
        (Text("Look at ", step("mail"), " first"), "Look at the letters first"),
        (Text(step("read", id="ab"), " has more"), "worker-manager logs ab has more"),
        ("my nudge_worker stays", "my nudge_worker stays"),
    ],
)
def test_steps_are_told_as_keys(said: str, shown: str) -> None:
    assert for_people(said) == shown


@pytest.mark.parametrize(
    ("answer", "is_light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/f0f0\x07\x1b[?62c", True),
        (b"\x1b]11;rgb:12/12/12\x1b\\", False),
        (b"\x1b[?62c", False),
        (b"", False),
    ],
)
def test_a_light_background_is_told_by_the_terminal(answer: bytes, is_light: bool) -> None:
    assert background._is_bright(answer) is is_light


@pytest.mark.parametrize(("told", "is_light"), [("0;15", True), ("15;0", False)])
def test_what_the_environment_says_of_the_background_counts(
    monkeypatch: pytest.MonkeyPatch, told: str, is_light: bool
) -> None:
    monkeypatch.setenv("COLORFGBG", told)

    assert background.is_light() is is_light
