"""What a person has set changes nothing that we read of git's answers."""

from __future__ import annotations

import fnmatch
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git
from worker_manager.worktrees import (
    bases,
    changes,
    diffs,
    evidence,
    merging,
    own,
    plain,
    ref_update,
    trees,
)
from worker_manager.worktrees import git as git_module

#: Names of settings, as patterns, and why they need not be switched off.
REASONS = {
    "how the disk, and the repository on it, is to be read: a part of what git can do at all": (
        "core.bare core.worktree core.repositoryformatversion core.filemode core.hidedotfiles "
        "core.ignorecase core.precomposeunicode core.protecthfs core.protectntfs core.symlinks "
        "core.trustctime core.checkstat core.sharedrepository core.usereplacerefs core.alternate* "
        "core.sparsecheckout* core.partialclone* core.multipackindex core.commitgraph extensions.* "
        "safe.* include.* includeif.* promisor.* remote.<name>.promisor sparse.* index.* "
        "feature.* splitindex.* core.splitindex attr.* reftable.*"
    ),
    "what git converts, ignores and merges, as the person's own git would": (
        "core.attributesfile core.autocrlf core.eol core.safecrlf core.excludesfile "
        "core.checkroundtripencoding core.bigfilethreshold filter.* merge.* diff.<driver>.* "
        "core.ignorestat apply.* rerere.* add.ignoreerrors mergetool.* replay.*"
    ),
    "what git writes: commits of the person's kind, signed where they sign": (
        "user.* author.* committer.* commit.* gpg.* i18n.commitencoding core.commentchar "
        "core.commentstring core.hookspath hook.* core.logallrefupdates trailer.* "
        "branch.autosetup* worktree.userelativepaths"
    ),
    "how objects and refs are kept, and how fast": (
        "core.compression core.createobject core.deltabasecachelimit core.fsync* "
        "core.filesreflocktimeout core.packedrefstimeout core.loosecompression core.packedgit* "
        "core.prefersymlinkrefs core.preloadindex core.lockfilepid core.configlocktimeout "
        "core.maxtreedepth commitgraph.* pack.* repack.* gc.* maintenance.* bitmappseudomerge.* "
        "checkout.workers checkout.threshold* bundle.* fsmonitor.* core.fsmonitorhookversion"
    ),
    "a network, which no question of ours asks": (
        "core.askpass core.gitproxy core.sshcommand credential* http.* ssh.* url.* protocol.* "
        "fetch.* push.* pull.* remote.* remotes.* transfer.* uploadpack* receive.* lsrefs.* "
        "uploadarchive.* sideband.* branch.<name>.* clone.*"
    ),
    "a terminal, an editor or a pager, none of which there is": (
        "core.editor core.pager pager.* interactive.* sequence.* help.* man.* web.* browser.* "
        "alias.* completion.* core.restrictinheritedhandles core.unsetenvvars init.*"
    ),
    "advice, on stderr, of which we read the line that names an error": "advice.*",
    "colors of what is not colored": (
        "color.*.* color.remote color.push color.transport color.pager"
    ),
    "layout of the listing for people, which is never asked for": "column.*",
    "commands that are never run": (
        "am.* blame.* checkout.defaultremote checkout.guess clean.* difftool.* fastimport.* "
        "format.* fsck.* gitcvs.* gitweb.* grep.* color.grep color.interactive color.showbranch "
        "gui.* guitool.* imap.* instaweb.* mailinfo.* notes.* core.notesref rebase.* revert.* "
        "sendemail.* showbranch.* stash.* tag.* tar.* versionsort.* worktree.guessremote "
        "add.interactive.* branch.sort request*.* subtree.* svn* diff.tool diff.guitool"
    ),
    "only with an option that is never given: dates, decoration, graphs, words, white space": (
        "log.date log.excludedecoration log.graph* log.initialdecorationset pretty.* mailmap.* "
        "diff.dirstat diff.wordregex diff.colormoved* diff.wserrorhighlight core.whitespace"
    ),
    "each diff that would run it has --no-ext-diff": "diff.external diff.trustexitcode",
    "it changes no answer, only how soon the next one comes": "diff.autorefreshindex",
    "`git log` and `git show` alone read it, which are given a format": "log.diffmerges",
    "status --porcelain shows it to nobody": "status.comparebranches",
    "of submodules: they are looked at whatever it says, and filled whatever it says": (
        "submodule.*"
    ),
    "to a file of the person's": "trace2.*",
}

#: The opposite of each that is off.
HOSTILE = {
    **{key: {"true": "false", "false": "true"}.get(value, "") for key, value in plain.OFF.items()},
    **dict.fromkeys(("color.ui", "color.diff", "color.status", "color.branch"), "always"),
    "column.ui": "always",
    "core.abbrev": "5",
    "core.fsmonitor": "/bin/false",
    "diff.algorithm": "patience",
    "diff.context": "0",
    "diff.dstPrefix": "new/",
    "diff.srcPrefix": "old/",
    "diff.ignoreSubmodules": "all",
    "diff.interHunkContext": "9",
    "diff.orderFile": "{folder}/order",
    "diff.renameLimit": "1",
    "diff.statGraphWidth": "3",
    "diff.statNameWidth": "9",
    "diff.submodule": "log",
    "i18n.logOutputEncoding": "UTF-16",
    "log.diffMerges": "off",
    "status.renameLimit": "1",
    "status.showUntrackedFiles": "no",
}


def known_settings() -> list[str]:
    listed = subprocess.run(["git", "help", "--config"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if "." in line and " " not in line]


def reason(name: str) -> str:
    low = name.lower()
    found = (
        why
        for why, names in REASONS.items()
        if any(fnmatch.fnmatchcase(low, pattern) for pattern in names.split())
    )
    return next(found, "")


def test_every_setting_of_git_is_switched_off_or_known_not_to_matter() -> None:
    off = {key.lower() for key in plain.OFF}
    unknown = [name for name in known_settings() if name.lower() not in off and not reason(name)]
    assert unknown == []


def test_every_setting_that_is_off_has_an_opposite_in_these_tests() -> None:
    assert HOSTILE.keys() == plain.OFF.keys()
    assert all(HOSTILE[key] not in ("", value) for key, value in plain.OFF.items())


@pytest.fixture
def work(repository: Path) -> Path:
    """With all that these settings are about: a rename, a merge, names, files in sub-directories,
    a submodule that moved, a stash.
    """
    (repository / "README").write_text("".join(f"{n}\n" for n in range(40)), "utf-8")
    (repository / "sub").mkdir()
    (repository / "sub" / "caf\u00e9").write_text("a\n\nb\n", "utf-8")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "files, with a \u00e9")
    git(repository, "tag", "base")
    git(repository, "mv", "README", "READ")
    lines = [f"{n}\n" for n in range(40)]
    lines[10] = lines[20] = "changed\n"
    (repository / "READ").write_text("".join(lines), "utf-8")
    git(repository, "commit", "-q", "-am", "rename")
    git(repository, "switch", "-q", "-c", "side", "base")
    (repository / "sub" / "b").write_text("b\n", "utf-8")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "side \u00e9")
    git(repository, "merge", "-q", "--no-edit", "main")
    (repository / "sub" / "b").write_text("c\n", "utf-8")
    git(repository, "stash", "-q")
    (repository / "sub" / "b").write_text("d\n", "utf-8")
    (repository / "new").write_text("n\n", "utf-8")
    other = repository / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "x")
    return repository


LOOKS: dict[str, Callable[[str], object]] = {
    "changes": evidence.changes,
    "parse_status": lambda path: evidence.parse_status(git_module.ask(path, *evidence.STATUS)),
    "progress": lambda path: changes.progress(path, "", "base"),
    "describe": lambda path: changes.describe(own.look(path, ""), "base"),
    "since": lambda path: changes.since(own.look(path, ""), "base"),
    "difference": lambda path: diffs.of_worktree(own.look(path, ""), "base"),
    "inspect_checkout": bases.inspect_checkout,
    "listed": trees.listed,
    "tips": lambda path: trees.tips(path, ["main", "side"]),
    "files between": lambda path: ref_update.files_between(path, "base", "side"),
    "try_merge": lambda path: merging.try_merge(path, "main", "side"),
    "changed files": lambda path: merging.changed_files(path, "base", "side"),
    "log": lambda path: git_module.run(path, "log", "--format=* %s", "base..side"),
    "ls-files": lambda path: git_module.run(path, "ls-files", "--others"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_an_answer_does_not_depend_on_what_the_person_has_set(
    work: Path, tmp_path: Path, look: str
) -> None:
    (tmp_path / "order").write_text("sub/*\n", "utf-8")
    before = LOOKS[look](str(work))
    for key, value in HOSTILE.items():
        git(work, "config", "--global", key, value.format(folder=tmp_path))

    assert LOOKS[look](str(work)) == before


def test_a_container_that_configures_git_by_variables_still_does(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("COUNT", "2"),
        *(("KEY_0", "user.name"), ("VALUE_0", "Container")),
        *(("KEY_1", "diff.noprefix"), ("VALUE_1", "true")),
    ):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)

    assert git_module.run(str(work), "config", "user.name") == "Container"
    assert "+++ b/READ" in git_module.run(str(work), "diff", "base", "main")


def test_a_hook_finds_none_of_our_settings(repository: Path, tmp_path: Path) -> None:
    for name in ("post-merge", "reference-transaction", "post-index-change", "post-checkout"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nenv >>{tmp_path}/{name}\n", "utf-8")
        hook.chmod(0o755)
    tree, head = repository / ".worktrees" / "w", git(repository, "rev-parse", "HEAD")
    trees.create(bases.inspect_checkout(str(repository)), tree, "worker/w", head)
    git(tree, "commit", "-q", "--allow-empty", "-m", "work")
    at = ref_update.target(str(repository), "main")
    tip = git(tree, "rev-parse", "HEAD")
    ref_update.move(str(repository), at, tip, "merge")
    ref_update.revert(str(repository), "main", tip, at.sha)
    evidence.changes(str(repository))

    said = "".join(file.read_text("utf-8") for file in tmp_path.glob("*-*"))
    assert "GIT_DIR=" in said
    assert "GIT_CONFIG_COUNT" not in said
