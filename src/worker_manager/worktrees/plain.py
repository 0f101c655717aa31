"""What each person may have set, and would change what git tells us: switched off in one place.

Only for commands that look. What git writes, how it merges and what it ignores is as the person has
set it; and a hook that we start through git finds the person's settings, none of these.
"""

from __future__ import annotations

import os

#: Each with git's own default, or what asks for nothing.
OFF = {
    "color.advice": "false",
    "color.branch": "false",
    "color.diff": "false",
    "color.status": "false",
    "color.ui": "false",
    "column.ui": "never",
    "core.abbrev": "auto",
    "core.fsmonitor": "false",  # starts a daemon, or a program
    "core.quotePath": "true",
    "core.untrackedCache": "false",  # believes the times of directories
    "core.warnAmbiguousRefs": "false",
    "diff.algorithm": "default",
    "diff.context": "3",
    "diff.dstPrefix": "b/",
    "diff.ignoreSubmodules": "none",
    "diff.indentHeuristic": "true",
    "diff.interHunkContext": "0",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "diff.orderFile": os.devnull,  # an empty name is a file that is missing
    "diff.relative": "false",
    "diff.renameLimit": "1000",
    "diff.renames": "true",
    "diff.srcPrefix": "a/",
    "diff.statGraphWidth": "0",
    "diff.statNameWidth": "0",
    "diff.submodule": "short",
    "diff.suppressBlankEmpty": "false",
    "i18n.logOutputEncoding": "UTF-8",
    "log.abbrevCommit": "false",
    "log.decorate": "false",
    "log.diffMerges": "separate",
    "log.follow": "false",
    "log.mailmap": "false",
    "log.showRoot": "true",
    "log.showSignature": "false",
    "status.aheadBehind": "true",
    "status.branch": "false",
    "status.displayCommentPrefix": "false",
    "status.relativePaths": "true",
    "status.renameLimit": "1000",
    "status.renames": "true",
    "status.short": "false",
    "status.showStash": "false",
    "status.showUntrackedFiles": "all",
    "status.submoduleSummary": "false",
    "submodule.recurse": "false",
}
#: What we mean by a pattern, whatever the person wants one to be.
PATTERNS = {"GIT_LITERAL_PATHSPECS": "0"}
#: Commands that only look, or write objects alone: none of them runs a hook.
LOOKING = frozenset(
    (
        *("cat-file", "check-attr", "check-ignore", "commit-tree", "config", "diff", "diff-tree"),
        *("for-each-ref", "hash-object", "log", "ls-files", "ls-tree", "merge-base", "merge-file"),
        *("merge-tree", "mktree", "reflog", "rev-list", "rev-parse", "show", "show-ref", "status"),
        *("symbolic-ref", "var", "version", "write-tree", "add"),
    )
)


def environment(command: str) -> dict[str, str]:
    """Variables with which a git command does not see what is OFF; they go behind those with which
    a container configures git.
    """
    count = os.environ.get("GIT_CONFIG_COUNT", "") or "0"
    if command not in LOOKING or not count.isdecimal():  # git itself refuses such a count
        return {}
    told, number = dict(PATTERNS), int(count)
    for key, value in OFF.items():
        told[f"GIT_CONFIG_KEY_{number}"] = key
        told[f"GIT_CONFIG_VALUE_{number}"] = value
        number += 1
    return {**told, "GIT_CONFIG_COUNT": str(number)}
