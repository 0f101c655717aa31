"""How a repository lies on the disk, and where in it the session stands."""

from __future__ import annotations

import os
from pathlib import Path

from tests.foreign.place import Place, furnish, git, plain, write
from tests.foreign.rows import Row, ground

_FILE_ALLOWED = ("-c", "protocol.file.allow=always")


def _stand_in(place: Place, project: Path, repository: Path | None = None) -> None:
    place.project = project
    place.repository = repository or place.repository


def separate_git_dir(place: Place) -> None:
    """`git init --separate-git-dir`."""
    store = place.folder / "STORE.git"
    git(place.repository, "init", "-q", f"--separate-git-dir={store}")
    place.gits = [store]


def git_is_a_link(place: Place) -> None:
    """`.git` is a link to a bare name."""
    store = place.folder / "STORE.git"
    (place.repository / ".git").rename(store)
    (place.repository / ".git").symlink_to(store)
    place.gits = [store]


def git_is_a_link_into_a_checkout(place: Place) -> None:
    """`.git` is a link to `STORE/.git`, which git takes for the main checkout."""
    store = place.folder / "STORE"
    store.mkdir()
    (place.repository / ".git").rename(store / ".git")
    (place.repository / ".git").symlink_to(store / ".git")
    place.gits = [store / ".git"]


def git_file_with_core_worktree(place: Place) -> None:
    """A gitfile by hand, and `core.worktree` to the checkout."""
    store = place.folder / "store" / "dir"
    store.parent.mkdir()
    (place.repository / ".git").rename(store)
    (place.repository / ".git").write_text(f"gitdir: {store}\n", "utf-8")
    place.set("core.worktree", str(place.repository))
    place.gits = [store]


def reached_by_a_link(place: Place) -> None:
    """The session came by a link to the checkout."""
    link = place.folder / "by-link"
    link.symlink_to(place.repository)
    _stand_in(place, link)


def in_a_subdirectory(place: Place) -> None:
    """The session stands below the top."""
    _stand_in(place, place.repository / "deep" / "er")


def in_a_linked_worktree(place: Place) -> None:
    """The session stands in a worktree of the person's, on a branch of its own."""
    linked = place.folder / "linked"
    git(place.repository, "worktree", "add", "-q", "-b", "feature", str(linked))
    place.checkouts.append(linked)
    place.branch = "feature"
    _stand_in(place, linked)


def bare_with_worktrees(place: Place) -> None:
    """`repo/.bare` holds all, `repo/main` and others are worktrees of it."""
    hub = place.folder / "hub"
    hub.mkdir()
    (place.repository / ".git").rename(hub / ".bare")
    git(hub / ".bare", "config", "core.bare", "true")
    (hub / ".git").write_text("gitdir: ./.bare\n", "utf-8")
    git(hub / ".bare", "worktree", "add", "-q", "-f", str(hub / "main"), "main")
    git(hub / ".bare", "worktree", "add", "-q", str(hub / "other"), "other")
    write(hub / "main", "mine.txt", "the person's, untracked\n")
    place.checkouts = [hub / "main", hub / "other"]
    place.gits = [hub / ".bare"]
    _stand_in(place, hub / "main", hub / "main")


def bare_beside(place: Place) -> None:
    """`project.git` is bare, the checkout is a worktree beside it."""
    bare = place.folder / "project.git"
    (place.repository / ".git").rename(bare)
    git(bare, "config", "core.bare", "true")
    git(bare, "worktree", "add", "-q", "-f", str(place.folder / "tree"), "main")
    place.checkouts = [place.folder / "tree"]
    place.gits = [bare]
    _stand_in(place, place.folder / "tree", place.folder / "tree")


def in_a_bare_repository(place: Place) -> None:
    """The session stands in git's directory itself."""
    bare = place.folder / "bare.git"
    git(place.folder, "clone", "-q", "--bare", str(place.repository), str(bare))
    place.gits.append(bare)
    _stand_in(place, bare)


def no_commits(place: Place) -> None:
    """Nothing was ever committed."""
    new = place.folder / "new"
    new.mkdir()
    git(new, "init", "-q", "-b", "main")
    place.gits.append(new / ".git")
    _stand_in(place, new)


def _super(place: Place) -> Path:
    above = place.folder / "super"
    above.mkdir()
    git(above, "init", "-q", "-b", "main")
    furnish(above)
    add = ("submodule", "--quiet", "add", str(place.repository), "sub")
    git(above, *_FILE_ALLOWED, *add)
    git(above, "commit", "-q", "-m", "sub")
    place.checkouts += [above, above / "sub"]
    place.gits += [above / ".git"]
    return above


def has_a_submodule(place: Place) -> None:
    """The session stands above a submodule."""
    above = _super(place)
    _stand_in(place, above, above)


def has_a_nested_submodule(place: Place) -> None:
    """A submodule within a submodule, both filled."""
    inner = plain(place.folder / "inner").repository
    git(place.repository, *_FILE_ALLOWED, "submodule", "--quiet", "add", str(inner), "nested")
    git(place.repository, "commit", "-q", "-m", "nested")
    above = _super(place)
    git(above, *_FILE_ALLOWED, "submodule", "--quiet", "update", "--init", "--recursive")
    place.checkouts.append(above / "sub" / "nested")
    place.gits += [inner / ".git"]
    _stand_in(place, above, above)


def has_an_empty_submodule(place: Place) -> None:
    """Nobody has initialised it."""
    above = _super(place)
    git(above, "submodule", "--quiet", "deinit", "--force", "sub")
    place.checkouts.remove(above / "sub")
    _stand_in(place, above, above)


def in_a_submodule(place: Place) -> None:
    """The session stands in it; a push would go to the repository that it came from."""
    above = _super(place)
    write(above / "sub", "mine.txt", "the person's, untracked\n")
    _stand_in(place, above / "sub", above / "sub")


def in_a_submodule_with_worktree_config(place: Place) -> None:
    """With `extensions.worktreeConfig`: git then takes its files for every worktree's."""
    in_a_submodule(place)
    place.set("extensions.worktreeConfig", "true")


def in_a_sparse_submodule(place: Place) -> None:
    """`git sparse-checkout` has moved `core.worktree` itself."""
    in_a_submodule(place)
    git(place.repository, "sparse-checkout", "set", "deep")


def worktree_config(place: Place) -> None:
    """`extensions.worktreeConfig`, and settings of the main checkout alone."""
    place.set("extensions.worktreeConfig", "true")
    git(place.repository, "config", "--worktree", "core.ignoreCase", "false")


def core_worktree_in_worktree_config(place: Place) -> None:
    """`core.worktree` where git wants it, in `config.worktree`."""
    git_file_with_core_worktree(place)
    place.set("extensions.worktreeConfig", "true")
    git(place.repository, "config", "--unset", "core.worktree")
    store = place.gits[0]
    git(
        store,
        "config",
        "-f",
        str(store / "config.worktree"),
        "core.worktree",
        str(place.repository),
    )


def sparse_cone(place: Place) -> None:
    """Only a directory of it is checked out."""
    git(place.repository, "sparse-checkout", "set", "--cone", "deep")


def sparse_patterns(place: Place) -> None:
    """By patterns, which leave out a file."""
    git(place.repository, "sparse-checkout", "set", "--no-cone", "/*", "!/run.sh")


def _cloned(place: Place, *options: str) -> None:
    copy = place.folder / "clone"
    source = f"file://{place.repository}"
    git(place.repository, "config", "uploadpack.allowFilter", "true")
    git(place.folder, *_FILE_ALLOWED, "clone", "-q", *options, source, str(copy))
    place.checkouts.append(copy)
    place.gits.append(copy / ".git")
    write(copy, "mine.txt", "the person's, untracked\n")
    _stand_in(place, copy, copy)


def cloned(place: Place) -> None:
    """With a remote and an upstream."""
    _cloned(place)


def partial(place: Place) -> None:
    """`--filter=blob:none`: old contents lie elsewhere."""
    _cloned(place, "--filter=blob:none")


def shallow(place: Place) -> None:
    """`--depth 1`."""
    _cloned(place, "--depth", "1")


def borrowing(place: Place) -> None:
    """`--shared`: objects lie in another repository."""
    _cloned(place, "--shared")


def sha256(place: Place) -> None:
    """The other object format."""
    new = place.folder / "sha256"
    new.mkdir()
    git(new, "init", "-q", "-b", "main", "--object-format=sha256")
    furnish(new)
    place.checkouts.append(new)
    place.gits.append(new / ".git")
    _stand_in(place, new, new)


def reftable(place: Place) -> None:
    """Refs in a table."""
    new = place.folder / "reftable"
    new.mkdir()
    git(new, "init", "-q", "-b", "main", "--ref-format=reftable")
    furnish(new)
    place.checkouts.append(new)
    place.gits.append(new / ".git")
    _stand_in(place, new, new)


def has_reftable() -> bool:
    """Of git 2.45."""
    said = git(Path("/"), "version").split(" ")[2].split(".")
    return (int(said[0]), int(said[1])) >= (2, 45)


def odd_path(place: Place) -> None:
    """A checkout with a newline, a quote and spaces in its path."""
    _moved(place, 'a b\'s\n"checkout"')


def path_that_is_not_utf8(place: Place) -> None:
    """A Latin-1 name of the checkout's directory."""
    _moved(place, os.fsdecode(b"caf\xe9"))


def _moved(place: Place, name: str) -> None:
    there = place.folder / name
    place.repository.rename(there)
    place.checkouts, place.gits = [there], [there / ".git"]
    _stand_in(place, there, there)


def owned_by_another(place: Place) -> None:
    """Files and all belong to another user: git refuses to work there."""
    for path in (place.repository, *place.repository.rglob("*")):
        os.chown(path, 65_534, 65_534, follow_symlinks=False)


def owned_by_another_and_safe(place: Place) -> None:
    """And the person has said that it is safe."""
    owned_by_another(place)
    config = Path(os.environ["HOME"], ".gitconfig")
    more = f'[safe]\n directory = "{place.repository}"\n'
    config.write_text(config.read_text("utf-8") + more, "utf-8")


def may_give_away() -> bool:
    """Only root may."""
    return os.geteuid() == 0


def packed(place: Place) -> None:
    """All refs and objects packed."""
    git(place.repository, "pack-refs", "--all")
    git(place.repository, "repack", "-q", "-a", "-d")


ROWS: tuple[Row, ...] = (
    ground(separate_git_dir, "layout"),
    ground(git_is_a_link, "layout"),
    ground(git_is_a_link_into_a_checkout, "layout"),
    ground(git_file_with_core_worktree, "layout"),
    ground(core_worktree_in_worktree_config, "layout"),
    ground(reached_by_a_link, "layout"),
    ground(in_a_subdirectory, "layout"),
    ground(in_a_linked_worktree, "layout"),
    ground(bare_with_worktrees, "layout"),
    ground(bare_beside, "layout"),
    ground(
        in_a_bare_repository, "layout", refuses={"start": "bare repository: start in a checkout"}
    ),
    ground(no_commits, "layout", refuses={"start": "no commits yet: commit once"}),
    ground(has_a_submodule, "layout"),
    ground(has_a_nested_submodule, "layout"),
    ground(has_an_empty_submodule, "layout"),
    ground(in_a_submodule, "layout"),
    ground(in_a_submodule_with_worktree_config, "layout"),
    ground(in_a_sparse_submodule, "layout"),
    ground(worktree_config, "worktree config"),
    ground(sparse_cone, "sparse"),
    ground(sparse_patterns, "sparse"),
    ground(cloned, "layout"),
    ground(partial, "layout"),
    ground(shallow, "layout"),
    ground(borrowing, "layout"),
    ground(sha256, "layout"),
    ground(reftable, "layout", needs=has_reftable),
    ground(odd_path, "layout"),
    ground(path_that_is_not_utf8, "layout"),
    ground(packed, "packed"),
    ground(owned_by_another, "layout", refuses={"start": "dubious ownership"}, needs=may_give_away),
    ground(owned_by_another_and_safe, "layout", needs=may_give_away),
)
