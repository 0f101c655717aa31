"""What people set: names that collide, output that is changed, signing, hooks that fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.foreign import deeds
from tests.foreign.place import Place, git, program, write
from tests.foreign.rows import Ground, Row, ground


def _set(name: str, settings: Mapping[str, str], *takes: str, **more: object) -> Row:
    """Settings of the repository."""

    def change(place: Place) -> None:
        for key, value in settings.items():
            place.set(key, value)

    return _named(f"set: {name}", change, *takes, **more)


def _named(name: str, change: Ground, *takes: str, **more: object) -> Row:
    return Row(name, (change,), takes=frozenset(takes), **more)  # type: ignore[arg-type]


def signed(place: Place) -> None:
    """Commits are signed with an ssh key."""
    key = place.folder / "keys" / "key"
    key.parent.mkdir()
    make = [
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        "t@example.invalid",
        "-f",
        str(key),
    ]
    subprocess.run(make, check=True)
    allowed = key.parent / "allowed"
    public = key.with_suffix(".pub").read_text("utf-8")
    allowed.write_text(f"test@example.invalid {public}", "utf-8")
    place.set("gpg.format", "ssh")
    place.set("user.signingKey", str(key))
    place.set("gpg.ssh.allowedSignersFile", str(allowed))
    place.set("commit.gpgsign", "true")
    place.write("signed.txt", "signed\n")
    place.commit("signed.txt")


def signed_and_shown(place: Place) -> None:
    """And `log.showSignature` shows it in every log."""
    signed(place)
    place.set("log.showSignature", "true")


def signing_without_a_key(place: Place) -> None:
    """Each commit fails, a worker's and ours."""
    place.set("gpg.format", "ssh")
    place.set("user.signingKey", "/no/such/key")
    place.set("commit.gpgsign", "true")


def no_identity(place: Place) -> None:
    """Nobody has said who commits; workers say it themselves."""
    Path(os.environ["HOME"], ".gitconfig").write_text("[user]\n useConfigOnly = true\n", "utf-8")
    hooks = Path(os.environ["HOME"])
    assert hooks.is_dir()


def with_own_identity(hand: deeds.Hand) -> None:
    """It sets an identity for each of its calls."""
    hand.write("added.txt", "new\n")
    hand.git("add", "added.txt")
    hand.git("-c", "user.name=W", "-c", "user.email=w@example.invalid", "commit", "-qm", "work")
    hand.committed.add("added.txt")


def branch_worker(place: Place) -> None:
    """A branch that takes the name of our directory of branches."""
    git(place.repository, "branch", "worker")


def branch_worker_packed(place: Place) -> None:
    """The same, in no file of its own."""
    branch_worker(place)
    git(place.repository, "pack-refs", "--all")


def names_that_are_ambiguous(place: Place) -> None:
    """A tag and a branch of one name; a branch and a tag `HEAD`; a tag of the branch's name."""
    commit = git(place.repository, "rev-parse", "v1")
    for name in ("refs/heads/HEAD", "refs/tags/HEAD", "refs/tags/main", "refs/heads/v1"):
        git(place.repository, "update-ref", name, commit)


def odd_branch(place: Place) -> None:
    """What is checked out is no ASCII, and has quotes and slashes."""
    name = "fix/é'\"&#1"
    git(place.repository, "checkout", "-q", "-b", name)
    place.branch = name


def sub_of_worker(place: Place) -> None:
    """A person's own branch in our directory of branches."""
    git(place.repository, "branch", "worker/of-a-person", "v1")


def toml_with_bom(place: Place) -> None:
    """Our settings file as some editors write it."""
    place.write("worker-manager.toml", b'\xef\xbb\xbfmodel = "m"\n')
    place.commit("worker-manager.toml")


def exclude_in_latin1(place: Place) -> None:
    """`info/exclude` is no UTF-8."""
    write(place.gits[-1] / "info", "exclude", b"# Bl\xf6dsinn\nbuild/\n")


def exclude_with_crlf(place: Place) -> None:
    """And without an end of its last line."""
    write(place.gits[-1] / "info", "exclude", b"# x\r\nbuild/\r\nlast")


def no_info_directory(place: Place) -> None:
    """Made without templates."""
    deeds.git_rm(place.gits[-1] / "info")


def external_diff(place: Place) -> None:
    """Programs for diff and text that say something else."""
    shown = program(place.folder / "programs-of-the-person" / "differ", "echo NOT A DIFF")
    place.set("diff.external", str(shown))
    place.set("diff.up.textconv", f"{shown} #")
    place.write(".gitattributes", "*.txt diff=up\n")
    place.commit(".gitattributes")


def fsmonitor_hook(place: Place) -> None:
    """A program tells git what has changed; this one: everything may have."""
    told = program(place.folder / "programs-of-the-person" / "fsmonitor", "printf 'token\\0/\\0'")
    place.set("core.fsmonitor", str(told))


def fsmonitor_that_fails(place: Place) -> None:
    """It is not installed any more."""
    place.set("core.fsmonitor", str(place.folder / "gone" / "fsmonitor"))


def commit_template(place: Place) -> None:
    """A template, another comment character, verbose messages."""
    place.set("commit.template", str(write(place.folder, "template.txt", "; words\n")))
    place.set("core.commentChar", ";")
    place.set("commit.verbose", "true")
    place.set("commit.cleanup", "scissors")


def aliases(place: Place) -> None:
    """Named as git's commands, which win; and as nothing that git has."""
    for name in ("status", "worktree", "merge", "st"):
        place.set(f"alias.{name}", "!echo ALIAS")


def includes(place: Place) -> None:
    """Settings by an include, of a file beside."""
    write(place.folder, "more.cfg", "[diff]\n mnemonicPrefix = true\n[status]\n short = true\n")
    place.set("include.path", str(place.folder / "more.cfg"))


_COLOURS = {
    "color.ui": "always",
    "color.status": "always",
    "color.diff": "always",
    "color.branch": "always",
    "column.ui": "always",
    "core.pager": "false",
    "pager.diff": "true",
}
_STATUS = {
    "status.showUntrackedFiles": "no",
    "status.branch": "true",
    "status.short": "true",
    "status.showStash": "true",
    "status.relativePaths": "true",
    "status.aheadBehind": "false",
    "status.renames": "copies",
}
_DIFF = {
    "diff.noprefix": "true",
    "diff.renames": "copies",
    "diff.context": "0",
    "diff.wordRegex": ".",
    "diff.algorithm": "histogram",
    "diff.suppressBlankEmpty": "true",
    "diff.relative": "true",
    "diff.orderFile": "/dev/null",
    "diff.submodule": "log",
    "diff.ignoreSubmodules": "all",
    "diff.statGraphWidth": "5",
    "diff.colorMoved": "zebra",
    "core.quotePath": "false",
    "core.abbrev": "5",
}
_LOG = {
    "log.date": "relative",
    "log.decorate": "full",
    "log.follow": "true",
    "log.mailmap": "true",
    "log.showRoot": "false",
    "log.diffMerges": "first-parent",
    "format.pretty": "oneline",
    "i18n.logOutputEncoding": "ISO-8859-1",
}
_MERGE = {
    "merge.ff": "false",
    "merge.log": "true",
    "merge.stat": "true",
    "merge.conflictStyle": "zdiff3",
    "merge.verifySignatures": "false",
    "merge.renames": "false",
    "merge.autoStash": "true",
    "branch.main.mergeOptions": "--squash --no-commit",
    "pull.rebase": "true",
    "rebase.autoStash": "true",
    "rebase.updateRefs": "true",
    "rerere.enabled": "true",
}
_MAINTENANCE = {"gc.auto": "1", "gc.autoDetach": "false", "maintenance.auto": "true"}

ROWS: tuple[Row, ...] = (
    ground(signed, "signing"),
    ground(signed_and_shown, "signing"),
    ground(signed_and_shown, "signing", "early", early=deeds.reset_away),
    ground(
        signing_without_a_key,
        "signing",
        "early",
        early=deeds.commit_fails,
        refuses=dict.fromkeys(("merge", "squash", "rebase"), "nothing"),
    ),
    ground(
        no_identity,
        "identity",
        "early",
        early=with_own_identity,
        refuses=dict.fromkeys(("merge", "squash", "rebase"), "no email was given"),
    ),
    ground(branch_worker, "names"),
    ground(branch_worker_packed, "names"),
    ground(sub_of_worker, "names"),
    ground(names_that_are_ambiguous, "names"),
    ground(odd_branch, "names"),
    ground(toml_with_bom, "toml"),
    ground(exclude_in_latin1, "exclude"),
    ground(exclude_with_crlf, "exclude"),
    ground(no_info_directory, "exclude"),
    ground(external_diff, "attributes"),
    ground(fsmonitor_hook, "fsmonitor"),
    ground(fsmonitor_that_fails, "fsmonitor"),
    ground(commit_template, "template"),
    ground(aliases, "alias"),
    ground(includes, "include"),
    _set("colours and pagers", _COLOURS, "colours"),
    _set("status", _STATUS, "status"),
    _set("diff", _DIFF, "diff"),
    _set("log", _LOG, "log"),
    _set("merge, pull, rebase", _MERGE, "merge"),
    _set("merge.ff=only", {"merge.ff": "only", "pull.ff": "only"}, "merge"),
    _set("maintenance at each call", _MAINTENANCE, "gc"),
    _set("untracked cache", {"core.untrackedCache": "true", "feature.manyFiles": "true"}, "index"),
    _set("index version 4, split", {"index.version": "4", "core.splitIndex": "true"}, "index"),
    _set("ignoreStat", {"core.ignoreStat": "true"}, "flags", "early", early=deeds.past_hooks),
    _set("fileMode=false", {"core.fileMode": "false"}, "modes"),
    _set("sharedRepository", {"core.sharedRepository": "group"}, "shared"),
    _set("submodule.recurse", {"submodule.recurse": "true"}, "recurse"),
    _set("fetch and push", {"fetch.prune": "true", "push.default": "nothing"}, "fetch"),
    _set(
        "worktree.guessRemote",
        {
            "worktree.guessRemote": "true",
            "checkout.defaultRemote": "x",
            "branch.autoSetupMerge": "always",
            "checkout.workers": "4",
        },
        "wt",
    ),
    _set("logAllRefUpdates=false", {"core.logAllRefUpdates": "false"}, "reflog"),
    _set("protectHFS, precomposeUnicode", {"core.precomposeUnicode": "true"}, "unicode"),
)
