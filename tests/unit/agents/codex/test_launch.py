"""How Codex is started, with programs of the tests' own in its place."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from worker_manager.agents.base import Assignment
from worker_manager.agents.codex import hooks
from worker_manager.agents.codex.launch import first_prompt, launch_spec
from worker_manager.agents.codex.toml import written
from worker_manager.errors import AgentNotInstalled, InvalidInput

HELP = "  queue             Queue a message\n      --no-daemon\n"
MARK = "0123456789ab"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int = 0) -> None:
    """A `codex` on the PATH that says this of itself."""
    folder.mkdir()
    (folder / "help").write_text(text, "utf-8")
    script = f'#!/bin/sh\n/bin/cat "{folder}/help"\nexit {code}\n'
    (folder / "codex").write_text(script, "utf-8")
    (folder / "codex").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("CODEX_HOME", str(folder))


def assignment(**changes: object) -> Assignment:
    """What a worker with a worktree is started for."""
    given = Assignment(
        worker_id="aaaaaaaa",
        name="greet-aaaaaaaa",
        title='Say "hello"\\ to all',
        home="/state/workers/aaaaaaaa",
        path="/repository/.worktrees/greet",
        branch="worker/greet",
        session_id="11111111-2222-3333-4444-555555555555",
        mark=MARK,
        plugin_root="/plugin",
        permission_mode="bypassPermissions",
        model="gpt-6.1-sol",
        git_directories=("/repository/.git/worktrees/greet", "/repository/.git/objects"),
    )
    return given._replace(**changes)  # type: ignore[arg-type]  # by name


def settings_in(argv: list[str]) -> dict[str, object]:
    """What the command line sets, as Codex reads it."""
    found: dict[str, object] = {}
    for flag, value in pairwise(argv):
        if flag == "-c":
            found |= tomllib.loads(value)
    return found


def test_all_is_said_by_flags_and_the_mark_stands_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", monkeypatch, HELP)
    monkeypatch.setenv("SECRET", "s3cr3t-value")

    spec = launch_spec(assignment())

    words = " ".join(spec.argv)
    assert "--no-daemon -a never -s workspace-write --model=gpt-6.1-sol" in words
    assert "--add-dir /repository/.git/objects" in words
    assert MARK not in words
    assert "s3cr3t-value" not in words
    assert MARK in spec.files["instructions.md"]
    servers = settings_in(spec.argv)["mcp_servers"]
    assert isinstance(servers, dict)
    server = servers["crew"]
    assert server["required"]
    assert server["default_tools_approval_mode"] == "approve"
    assert {"WORKER_MANAGER_WORKER_ID", "SECRET"} <= set(server["env_vars"])
    # What the session's shell runs is not taken for its server.
    assert server["env"] == {"WORKER_MANAGER_SESSION_ID": assignment().session_id}
    assert "WORKER_MANAGER_SESSION_ID" not in {*spec.environment, *server["env_vars"]}


def test_a_resumed_session_is_given_every_flag_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", monkeypatch, HELP)
    thread = "01a22110-b541-78b1-b243-3ac11c3c1764"
    transcript = f"/codex/sessions/2026/11/28/rollout-2026-11-28T07-31-12-{thread}.jsonl"
    fresh = launch_spec(assignment())

    resumed = launch_spec(assignment(is_restored=True, transcript=transcript))

    assert resumed.argv == [fresh.argv[0], "resume", thread, *fresh.argv[1:]]


@pytest.mark.parametrize(
    ("mode", "flags"),
    [
        ("acceptEdits", "-a on-request -s workspace-write"),
        ("default", "-a on-request -s workspace-write"),
        ("plan", "-a never -s read-only"),
        ("read_only", "-a never -s read-only"),
    ],
)
def test_each_permission_mode_has_its_flags(
    mode: str, flags: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", monkeypatch, HELP)

    argv = launch_spec(assignment(permission_mode=mode)).argv

    assert flags in " ".join(argv)
    assert ("--add-dir" in argv) == ("workspace-write" in flags)


def test_a_mode_that_it_lacks_is_an_error_that_names_those_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", monkeypatch, HELP)
    with pytest.raises(InvalidInput, match=r"no permission mode 'dontAsk'.*acceptEdits.*read_only"):
        launch_spec(assignment(permission_mode="dontAsk"))


def test_without_the_program_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AgentNotInstalled, match="npm install -g @openai/codex"):
        launch_spec(assignment())


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("  exec    Run\n", 0, "too old: it has no command `queue`.*@openai/codex@latest"),
        (HELP, 3, "--help fails"),
    ],
)
def test_a_program_that_cant_be_used_is_told_of(
    text: str, code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", monkeypatch, text, code)
    with pytest.raises(AgentNotInstalled, match=says):
        launch_spec(assignment())


def test_an_older_program_gets_no_flag_that_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", monkeypatch, "  queue   Queue a message\n")
    assert "--no-daemon" not in launch_spec(assignment()).argv


def test_the_first_prompt_names_the_task_and_what_it_works_by() -> None:
    prompt = first_prompt("/state/workers/aaaaaaaa/task.md")

    assert '"/state/workers/aaaaaaaa/instructions.md"' in prompt
    assert '"/state/workers/aaaaaaaa/task.md"' in prompt
    assert prompt.startswith("Read")  # no sign of a command


def test_hooks_are_given_only_once_they_are_known_to_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", monkeypatch, HELP)
    assert hooks.flag() not in launch_spec(assignment()).argv
    # Something of a session's flags was trusted, but Codex does not say that ours was.
    (tmp_path / "bin" / "config.toml").write_text("[hooks.state.'/<session-flags>/x']\n", "utf-8")
    assert hooks.flag() not in launch_spec(assignment()).argv
    assert set(settings_in(["-c", hooks.flag()])["hooks"]) == set(hooks.EVENTS)  # type: ignore[call-overload]


@pytest.mark.parametrize("text", ['a "quoted" \\ text', "two\nlines\tand\x1b\x7f", "grüße 😀", ""])
def test_texts_are_written_as_toml_reads_them(text: str) -> None:
    assert tomllib.loads(f"key={written({'inner': [text, True, 7]})}") == {
        "key": {"inner": [text, True, 7]}
    }
