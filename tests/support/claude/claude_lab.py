"""The real Claude Code in a throw-away home, on a private tmux server, against a scripted API.

    with ClaudeLab(find_cli("2.1.332"), api.url) as lab:
        session = lab.start("--plugin-dir", str(plugin), prompt="W1 please list the files")
        session.wait_for_status("idle")
        session.type("go on")

Leaving the lab ends every process that was started in it and removes its files.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from tests.support.claude.claude_session import Session
from tests.support.processes import is_running, processes_with, with_ancestors
from tests.support.waiting import WAIT_SECONDS, wait_until

API_KEY = "sk-ant-fake-key-of-a-test-laboratory"
GIT_HOST = "https://git.example.invalid/"  # only a name: git is told to look into the lab instead


class ClaudeLab:
    """A home, a tmux server and a trusted repository for one version of Claude Code."""

    def __init__(
        self, program: Path, api_url: str, *, env: Mapping[str, str] | None = None
    ) -> None:
        """Build the home; `env` is added to the environment of everything in the lab."""
        # Sockets have short names only, so not in the test's own temporary directory.
        self.root = Path(tempfile.mkdtemp(prefix="wm-lab-", dir="/tmp")).resolve()
        self.home = self.root / "home"
        self.state_home = self.root / "state"
        self.projects = self.root / "projects"
        self.sessions: list[Session] = []
        self._git_host = self.root / "git"
        self._tmux_directory = self.root / "tmux"
        self.env = {**self._environment(api_url), **(env or {})}
        self._build_home()
        self._build_programs(program)
        self.repository = self.new_repository("repo")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Starting

    def start(
        self,
        *args: str,
        prompt: str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Session:
        """Start an interactive session in a pane of its own."""
        settings = [word for item in (env or {}).items() for word in ("-e", "=".join(item))]
        # Through `env`: tmux hands a command of a single word to a shell.
        command = ["env", "claude", *args, *([] if prompt is None else ["--", prompt])]
        size = ("-x", "150", "-y", "45", "-c", str(cwd or self.repository))
        pane, pid = self._new_pane(*size, *settings, *command).split()
        # The last words of a claude that ended stay readable.
        self.try_tmux(self.socket, "set-option", "-w", "-t", pane, "remain-on-exit", "on")
        session = Session(self, self.socket, pane, int(pid), prompt or "")
        self.sessions.append(session)
        return session

    def run(
        self,
        *args: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = WAIT_SECONDS,
        text: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run `claude` without a terminal to its end, with any arguments."""
        return subprocess.run(
            ["claude", *args],
            executable=self.root / "bin" / "claude",
            cwd=cwd or self.repository,
            env={**self.env, **(env or {})},
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=seconds,
            check=False,
        )

    def run_print(
        self,
        prompt: str,
        *args: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = WAIT_SECONDS,
    ) -> subprocess.CompletedProcess[str]:
        """Run `claude -p` with a prompt to its end."""
        return self.run("-p", *args, "--", prompt, cwd=cwd, env=env, seconds=seconds)

    # Repositories and plugins

    def new_repository(self, name: str, *, trusted: bool = True) -> Path:
        """Make a git repository with one commit, trusted by Claude Code."""
        path = self.projects / name
        path.mkdir(parents=True)
        (path / "README.md").write_text("A repository of the lab.\n", encoding="utf-8")
        self.git("init", "--quiet", ".", cwd=path)
        self.git("add", ".", cwd=path)
        self.git("commit", "--quiet", "-m", "Start", cwd=path)
        if trusted:
            self._trust(path)
        return path

    def publish(self, checkout: Path, name: str = "worker-manager") -> str:
        """Offer the HEAD of a checkout as a git repository; the answer is its https URL."""
        bare = self._git_host / f"{name}.git"
        if not bare.exists():
            bare.mkdir(parents=True)
            self.git("init", "--quiet", "--bare", "--initial-branch", "main", ".", cwd=bare)
        source = str(checkout.resolve())
        self.git("fetch", "--quiet", "--update-shallow", source, "+HEAD:refs/heads/main", cwd=bare)
        return f"{GIT_HOST}{bare.name}"

    def install_plugin(self, checkout: Path, plugin: str = "worker-manager@worker-manager") -> None:
        """Install the committed HEAD of a checkout as users do: from a git marketplace."""
        url = self.publish(checkout, plugin.partition("@")[0])
        self.run_well("plugin", "marketplace", "add", url)
        self.run_well("plugin", "install", plugin)

    def take_over(self, other: ClaudeLab) -> None:
        """Have what was installed in another lab, as if it had been installed here."""
        shutil.copytree(other._git_host, self._git_host, dirs_exist_ok=True)
        shutil.copytree(other.home, self.home, symlinks=True, dirs_exist_ok=True)
        # What the installer has written of the other home, it says of this one.
        plugins = self.home / ".claude" / "plugins"
        for file in (self._settings_file, self.home / ".gitconfig", *plugins.glob("*.json")):
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(str(other.root), str(self.root)), encoding="utf-8")

    def run_well(self, *args: str) -> str:
        """Run `claude` with these arguments; it must succeed."""
        done = self.run(*args)
        said = f"{done.stdout}{done.stderr}"
        assert done.returncode == 0, f"claude {' '.join(args)} ended with {done.returncode}: {said}"
        return said

    def git(self, *args: str, cwd: Path | None = None) -> str:
        """Run git with the identity of the lab; it must succeed."""
        return self._command(["git", *args], cwd=cwd or self.repository)

    # Looking

    def session_state(self, pid: int) -> dict[str, Any]:
        """The session file of a claude process of this lab; empty when there is none."""
        path = self.home / ".claude" / "sessions" / f"{pid}.json"
        try:
            state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):  # not yet there, or just being written
            return {}
        return state

    def session_states(self) -> list[dict[str, Any]]:
        """The session files of all claude processes of this lab, also of those a plugin started."""
        files = (self.home / ".claude" / "sessions").glob("*.json")
        states = (self.session_state(int(path.stem)) for path in files if path.stem.isdigit())
        return [state for state in states if state]

    def transcript(self, session_id: str) -> list[dict[str, Any]]:
        """The lines of a conversation's transcript so far; empty when there is none."""
        for path in self.home.glob(f".claude/projects/*/{session_id}.jsonl"):
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            return [json.loads(line) for line in lines if line.endswith("\n")]
        return []

    def wait_for_session(
        self, is_it: Callable[[dict[str, Any]], bool], seconds: float = WAIT_SECONDS
    ) -> Session:
        """Wait for the session file of a session that a plugin started, and find its pane."""
        state = wait_until(
            lambda: next(filter(is_it, self.session_states()), None),
            seconds,
            lambda: f"no such session among {self.session_states()}",
        )
        return self._session_of(int(state["pid"]))

    def describe(self) -> str:
        """The state and the screen of each session, for a failed test."""
        return "\n".join(
            f"--- {s.pid} {s.status or 'no status'} {s.waiting_for}\n{s.screen()}"
            for s in self.sessions
        )

    def processes(self) -> list[int]:
        """Every process of this lab: those that have its home."""
        if Path("/proc/self/environ").exists():
            return list(processes_with(f"HOME={self.home}"))
        return self._known_processes()

    @property
    def socket(self) -> Path:
        """The socket of the tmux server in which `start` starts sessions."""
        return self._tmux_directory / "lab"

    def try_tmux(
        self, socket: Path, *args: str, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run tmux on a server of the lab."""
        return subprocess.run(
            ["tmux", "-S", str(socket), "-f", os.devnull, *args],
            env=self.env,
            cwd="/",
            input=text,
            capture_output=True,
            encoding="utf-8",
            timeout=WAIT_SECONDS,
            check=False,
        )

    # Ending

    def close(self) -> None:
        """End everything that was started in the lab, wait until it is gone, remove the files."""
        try:
            self._end_processes()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def _end_processes(self) -> None:
        # Nobody needs what they would do at a calm end: hooks, callbacks, a farewell.
        if not self._all_end(signal.SIGKILL, WAIT_SECONDS):
            raise AssertionError(f"processes of the lab still run: {self.processes()}")

    def _all_end(self, how: signal.Signals, seconds: float) -> bool:
        told: set[int] = set()

        def tell_the_rest() -> bool:
            pids = set(self.processes())
            for pid in pids - told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
            told.update(pids)
            return not pids

        with contextlib.suppress(AssertionError):
            return wait_until(tell_the_rest, seconds, str)
        return False

    # Building

    def _environment(self, api_url: str) -> dict[str, str]:
        return {
            "PATH": f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.state_home),
            "TMPDIR": str(self.root / "tmp"),
            "TMUX_TMPDIR": str(self._tmux_directory),  # even a plain `tmux` stays inside of the lab
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "ANTHROPIC_BASE_URL": api_url,
            "ANTHROPIC_API_KEY": API_KEY,
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "IS_SANDBOX": "1",  # lifts the refusal of bypassPermissions as root
        }

    def _build_home(self) -> None:
        for directory in (
            self.home / ".claude",
            self.projects,
            self._tmux_directory,
            self._git_host,
        ):
            directory.mkdir(parents=True)
        settings = {
            "hasCompletedOnboarding": True,
            "customApiKeyResponses": {"approved": [API_KEY[-20:]], "rejected": []},
            "projects": {},
        }
        self._settings_file.write_text(json.dumps(settings), encoding="utf-8")
        (self.home / ".gitconfig").write_text(
            "[user]\n\tname = Lab\n\temail = lab@example.invalid\n"
            "[init]\n\tdefaultBranch = main\n"
            "[safe]\n\tdirectory = *\n"
            f'[url "{self._git_host}/"]\n\tinsteadOf = {GIT_HOST}\n',
            encoding="utf-8",
        )

    def _build_programs(self, program: Path) -> None:
        (self.root / "bin").mkdir()
        (self.root / "bin" / "claude").symlink_to(program)

    # Helpers

    @property
    def _settings_file(self) -> Path:
        return self.home / ".claude.json"

    def _trust(self, path: Path) -> None:
        # Trust of a parent directory is not enough: 2.1.329 asks nevertheless.
        settings = json.loads(self._settings_file.read_text(encoding="utf-8"))
        settings["projects"][str(path)] = {"hasTrustDialogAccepted": True}
        draft = self.root / "settings"
        draft.write_text(json.dumps(settings), encoding="utf-8")
        draft.replace(self._settings_file)

    def _new_pane(self, *args: str) -> str:
        form = ("-d", "-P", "-F", "#{pane_id} #{pane_pid}")
        done = self.try_tmux(self.socket, "new-session", *form, *args)
        assert done.returncode == 0, f"tmux started nothing: {done.stderr}"
        return done.stdout

    def _session_of(self, pid: int) -> Session:
        family = with_ancestors(pid)
        for socket, pane, pane_pid in self._panes():
            if pane_pid in family:
                return Session(self, socket, pane, pid)
        raise AssertionError(f"process {pid} sits in no pane of this lab")

    def _panes(self) -> Iterator[tuple[Path, str, int]]:
        for socket in filter(Path.is_socket, self._tmux_directory.rglob("*")):
            listed = self.try_tmux(socket, "list-panes", "-a", "-F", "#{pane_id} #{pane_pid}")
            for line in listed.stdout.splitlines():
                pane, pid = line.split()
                yield socket, pane, int(pid)

    def _command(self, command: list[str], cwd: Path) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=self.env, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def _known_processes(self) -> list[int]:
        pids = {pid for _, _, pid in self._panes()}
        pids |= {int(state["pid"]) for state in self.session_states()}
        return [pid for pid in pids if is_running(pid)]
