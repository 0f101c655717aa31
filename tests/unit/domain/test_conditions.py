"""Checks and allowed paths, as an orchestrator gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_manager.domain.conditions import allows, as_told, checked_checks, checked_paths
from worker_manager.errors import InvalidInput


@pytest.mark.parametrize("check", ["", " \n", "make\0test"])
def test_a_check_that_is_no_command_is_named(check: str) -> None:
    with pytest.raises(InvalidInput, match="is no command") as caught:
        checked_checks(["make", check])

    assert repr(check) in str(caught.value)


@pytest.mark.parametrize("path", ["", " ", "/etc", "~/x", "..", "src/../..", "a/../b", "a\0b"])
def test_a_path_outside_of_the_repository_is_named(path: str) -> None:
    with pytest.raises(InvalidInput, match="does not lie in the repository") as caught:
        checked_paths(["src", path])

    assert repr(path) in str(caught.value)


def test_too_many_are_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidInput, match="Put them into a script"):
        checked_checks(["true"] * 21)
    with pytest.raises(InvalidInput, match="Name the directories"):
        checked_paths(["a"] * 101)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("src/a", True),
        ("src", True),
        ("srcs/a", False),
        ("a/src/b", False),
        ("docs/x.md", True),
        ("docs/y.md", False),
    ],
)
def test_a_directory_allows_all_below_it_and_nothing_else(path: str, allowed: bool) -> None:
    assert allows(checked_paths(["src/", "./docs/x.md"]), path) is allowed


@given(st.lists(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)))
def test_everything_is_below_the_top(parts: list[str]) -> None:
    assert allows(checked_paths(["."]), "/".join(parts))


def test_a_worker_is_told_its_terms() -> None:
    told = as_told(["make test"], ["src", "docs"])

    assert "- make test\n" in told
    assert "src, docs" in told
    assert as_told([], []) == ""
