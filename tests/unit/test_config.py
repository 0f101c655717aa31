"""Where settings come from, and what is said of wrong ones."""

from pathlib import Path

import pytest

from worker_manager.config import Settings, load
from worker_manager.errors import InvalidSetting


def test_without_files_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)}) == Settings()


def test_the_later_place_wins(tmp_path: Path) -> None:
    (tmp_path / "worker-manager.toml").write_text('model = "a"\n[tmux]\nsocket = "a"\n', "utf-8")
    user = tmp_path / "config" / "worker-manager"
    user.mkdir(parents=True)
    (user / "config.toml").write_text('[tmux]\nsocket = "b"\n', "utf-8")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "WORKER_MANAGER_ASK_WAIT_SECONDS": "7"}

    settings = load(tmp_path, environ)

    assert (settings.model, settings.tmux_socket, settings.ask_wait_seconds) == ("a", "b", 7)


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    user = tmp_path / "config" / "worker-manager"
    user.mkdir(parents=True)
    (tmp_path / "worker-manager.toml").write_text('model = "a"\n', "utf-8-sig")
    (user / "config.toml").write_text("idle_seconds = 7\n", "utf-8-sig")

    settings = load(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "config")})

    assert (settings.model, settings.idle_seconds) == ("a", 7)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_settings_in_another_encoding_are_said_to_be_no_utf8(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "worker-manager.toml").write_text('model = "caf\u00e9"\n', encoding)

    with pytest.raises(InvalidSetting, match=r"worker-manager\.toml can't be read: 'utf-8' codec"):
        load(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)})


def test_what_may_be_set_is_taken_as_it_is(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    for directory in (".worktrees", "a/b/", ".gitty", "a b", "..a", "caf\u00e9"):
        environ["WORKER_MANAGER_WORKTREE_DIRECTORY"] = directory
        assert load(tmp_path, environ).worktree_directory == directory
    for prefix in ("", "w", "a/b-", "ai/", "a.b/", "_"):
        environ["WORKER_MANAGER_WORKTREE_BRANCH_PREFIX"] = prefix
        assert load(tmp_path, environ).worktree_branch_prefix == prefix


def test_a_list_stands_in_a_file_as_one_and_in_a_variable_with_colons(tmp_path: Path) -> None:
    (tmp_path / "worker-manager.toml").write_text('[worktree]\ncopy = [".env", "a b/"]\n', "utf-8")
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}

    assert load(tmp_path, environ).worktree_copy == (".env", "a b/")
    for text, patterns in (("x:y/*", ("x", "y/*")), ("", ())):
        environ["WORKER_MANAGER_WORKTREE_COPY"] = text
        assert load(tmp_path, environ).worktree_copy == patterns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('modle = "x"', "unknown setting 'modle'. The nearest is 'model'"),
        ("model = 3", "model is 3; it must be a text"),
        ('on_exit = "kill"', "choose one of stop, keep"),
        ('worktree.copy = ".env"', "is '.env'; it must be a list of texts, none of them empty"),
        ('worktree.copy = [".env", ""]', "it must be a list of texts"),
        ("worktree.copy = [1]", "it must be a list of texts"),
        ('guard = "on"', "choose one of refuse, tell, off"),
        ("permission_wait_seconds = 86401", "is 86401; it may be 86400 at most"),
        ("model = ", "can't be read"),
        *(
            (f'worktree.directory = "{one}"', "it must be a directory below the checkout")
            for one in (
                *("", ".", "./", "./x", "..", "../x", "a/../b", "a/.", "/x", "~/x", ".git"),
                *(".git/x", ".GIT/x", "a/.git", "a\\nb", "a\\u0000"),
            )
        ),
        *(
            (f'worktree.branch_prefix = "{one}"', "it must be the beginning of a branch's name")
            for one in ("/", "/a", "-a", ".a", "a//b", "a/.b", "a..b", "a.lock/", "a b", "a~", "@{")
        ),
    ],
)
def test_a_wrong_setting_names_file_key_and_way_out(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "worker-manager.toml").write_text(text, "utf-8")

    with pytest.raises(InvalidSetting, match=r"worker-manager\.toml") as caught:
        load(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)})

    assert said in str(caught.value)
