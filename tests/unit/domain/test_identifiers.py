"""Ids and names before they become paths, branches or targets."""

import uuid

import pytest

from worker_manager.domain import identifiers
from worker_manager.errors import InvalidInput, WorkerNotFound


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Fix the login", "fix-the-login"),
        ("../../x", "x"),
        ("🎉🎉", "task"),
        ('a "quoted"; $(rm -rf /)', "a-quoted-rm-rf"),
        ("Ünïcode", "unicode"),
        ("x" * 200, "x" * 40),
        ("-v --help", "v-help"),
    ],
)
def test_a_slug_holds_only_what_paths_branches_and_targets_take(title: str, expected: str) -> None:
    assert identifiers.slug(title) == expected


@pytest.mark.parametrize("title", ["", "  \n\t", "a\0b", "x" * 201])
def test_a_title_that_names_nothing_is_refused(title: str) -> None:
    with pytest.raises(InvalidInput):
        identifiers.checked_title(title)


def test_a_title_of_several_lines_becomes_one() -> None:
    assert identifiers.checked_title(" a\nb\t c ") == "a b c"


def test_a_title_can_be_written_to_any_terminal() -> None:
    assert identifiers.checked_title("caf\udce9 \ud800now\x1b").encode() == b"caf now"


@pytest.mark.parametrize("worker_id", ["", "../x", "ABCDEF12", "1234567", "1234567g", "12345678\n"])
def test_an_id_that_has_not_the_form_of_one_is_unknown(worker_id: str) -> None:
    with pytest.raises(WorkerNotFound, match="list has the ids"):
        identifiers.checked_worker_id(worker_id)


def test_new_ids_pass_their_own_check() -> None:
    worker_id = identifiers.new_worker_id()

    assert identifiers.checked_worker_id(worker_id) == worker_id


def test_text_that_utf_8_cannot_hold_is_replaced_not_refused() -> None:
    assert identifiers.checked_text("a\udc80b", "task") == "a?b"


def test_a_text_over_the_limit_names_its_size() -> None:
    with pytest.raises(InvalidInput, match="10,000,001 bytes"):
        identifiers.checked_text("x" * 10_000_001, "task")


def test_a_session_id_is_a_random_uuid() -> None:
    ids = {identifiers.new_session_id() for _ in range(64)}

    assert len(ids) == 64
    assert {(str(uuid.UUID(one)) == one, uuid.UUID(one).version) for one in ids} == {(True, 4)}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}
