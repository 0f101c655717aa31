"""What workers do beside their work, and what becomes of their worktrees meanwhile."""

from __future__ import annotations

from tests.foreign import deeds
from tests.foreign.contents import into_a_topic
from tests.foreign.rows import Deed, Row, deed

MERGES = ("merge", "squash", "rebase")
_KEPT = {"clean": ".", "force": "."}


def _gone(change: Deed, way_out: Deed, **more: object) -> Row:
    """What was its worktree is none any more: nothing is removed whoever asks."""
    return deed(change, way_out=way_out, refuses=_KEPT, comes_back=False, **more)


ROWS: tuple[Row, ...] = (
    deed(deeds.loose, refuses={"clean": "in no commit"}),
    deed(deeds.odd_names, when="early"),
    deed(deeds.latin1_names, when="early"),
    deed(deeds.reset_away, when="early"),
    deed(deeds.amended, when="early"),
    deed(deeds.has_merged_main, when="early"),
    deed(deeds.empty, when="early", refuses=dict.fromkeys(MERGES, "nothing")),
    deed(
        deeds.branch_renamed,
        when="early",
        comes_back=False,
        refuses={**dict.fromkeys(MERGES, "feature/renamed"), "clean": "feature/renamed"},
    ),
    deed(
        deeds.branch_deleted_detached,
        when="early",
        comes_back=False,
        refuses=dict.fromkeys(MERGES, "is gone|stands at"),
    ),
    deed(
        deeds.detached,
        when="early",
        comes_back=False,
        refuses=dict.fromkeys(MERGES, "which its branch .* does not have"),
    ),
    deed(deeds.stashed, when="early", refuses={"clean": "stash"}),
    deed(deeds.assume_unchanged, refuses={"clean": r"run\.sh"}),
    deed(deeds.skip_worktree, refuses={"clean": r"run\.sh"}),
    deed(deeds.intent_to_add, refuses={"clean": "announced"}),
    deed(deeds.autostash, refuses={"clean": "rebase"}, comes_back=False),
    deed(deeds.in_a_merge, when="early", refuses={"clean": "."}, comes_back=False),
    _gone(deeds.git_file_gone, deeds.git_file_back),
    _gone(deeds.made_anew, deeds.git_file_back),
    _gone(deeds.made_anew_without_branch, deeds.git_file_back),
    _gone(deeds.replaced_by_a_link, deeds.link_removed),
    _gone(deeds.locked, deeds.unlocked),
    deed(deeds.emptied, refuses={"clean": "."}),
    deed(deeds.removed, refuses={"clean": "moved or removed"}, comes_back=False),
    deed(deeds.removed_by_git, comes_back=False),
    deed(deeds.removed_with_its_branch, comes_back=False),
    _gone(deeds.moved_by_git, deeds.moved_back_by_git),
    deed(
        deeds.in_conflict, when="early", refuses=dict.fromkeys(MERGES, "in conflict with main in")
    ),
    _gone(deeds.emptied_wholly, deeds.git_file_back),
    _gone(deeds.remade_by_a_watcher, deeds.cache_removed),
    Row(
        "worker: its place is taken after it was cleaned",
        between=deeds.cache_made,
        way_out=deeds.cache_removed,
        takes=frozenset({"late"}),
    ),
    deed(
        deeds.moved,
        way_out=deeds.moved_back,
        refuses={"clean": "moved or removed"},
        comes_back=False,
    ),
    deed(deeds.nested_repository, refuses={"clean": "repository"}),
    deed(deeds.read_only_directory, refuses={"clean": "in no commit"}),
    deed(deeds.merge_taken_back, refuses={"clean": "not merged"}),
    Row(
        "worker: topic deleted",
        (into_a_topic,),
        into="topic",
        late=deeds.topic_deleted,
        refuses={"clean": "not merged"},
        takes=frozenset({"into", "late"}),
    ),
)
