"""The real Claude Code in a throw-away home, on a private tmux server, against a scripted API.

    with ClaudeLab(find_cli("2.1.329"), api.url) as lab:
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
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

CLI_DIRECTORY_VARIABLE = "WORKER_MANAGER_CLAUDE_CLI"
REPOSITORY = Path(__file__).resolve().parents[2]
#: Read at once: the tests' guards take our variables out of the environment.
CLI_DIRECTORY = Path(os.environ.get(CLI_DIRECTORY_VARIABLE) or REPOSITORY / ".claude-cli")
API_KEY = "sk-ant-fake-key-of-a-test-laboratory"
GIT_HOST = "https://git.example.invalid/"  # only a name: git is told to look into the lab instead

RULE = "─" * 20  # drawn above and below the input box

T = TypeVar("T")


class CliMissingError(Exception):
    """This version of Claude Code is not installed for tests."""

    def __init__(self, version: str, directory: Path) -> None:
        """Say how to install it."""
        super().__init__(
            f"Claude Code {version} is not in {directory}. Install it with: npm install"
            f" --prefix .claude-cli/{version} @anthropic-ai/claude-code@{version}"
        )


def find_cli(version: str) -> Path:
    """The native program of one version, or CliMissingError."""
    packages = CLI_DIRECTORY / version / "node_modules" / "@anthropic-ai"
    for program in sorted(packages.glob("claude-code-*/claude")):
        return program.resolve()
    raise CliMissingError(version, CLI_DIRECTORY)


def wait_until(
    look: Callable[[], T | None],
    seconds: float,
    missing: Callable[[], str],
) -> T:
    """Look again and again until there is something; fail with what is missing."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s: {missing()}")
        time.sleep(0.03)


@dataclass(frozen=True)
class Session:
    """One interactive Claude Code in a tmux pane of the lab."""

    lab: ClaudeLab
    socket: Path
    pane: str
    pid: int
    prompt: str = ""

    @property
    def state(self) -> dict[str, Any]:
        """Its session file; empty as long as there is none."""
        return self.lab.session_state(self.pid)

    @property
    def session_id(self) -> str:
        """The id of the conversation, once the session file names it."""
        return str(wait_until(lambda: self.state.get("sessionId"), 20, self._what("no session id")))

    @property
    def status(self) -> str:
        """The status as Claude Code writes it: busy, idle, waiting, shell; "" when unknown."""
        return str(self.state.get("status", ""))

    @property
    def waiting_for(self) -> str:
        """What a waiting session waits for, for example "permission prompt"."""
        return str(self.state.get("waitingFor", ""))

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        return _is_running(self.pid)

    def wait_for_status(self, *statuses: str, seconds: float = 30.0) -> str:
        """Wait until the status is one of these."""
        return wait_until(
            lambda: self.status if self.status in statuses else None,
            seconds,
            self._what(f"status is not {' or '.join(statuses)}"),
        )

    def wait_for_screen(self, text: str, seconds: float = 30.0) -> str:
        """Wait until the screen shows a text."""
        return wait_until(
            lambda: screen if text in (screen := self.screen()) else None,
            seconds,
            self._what(f"{text!r} is not on the screen"),
        )

    def type(self, text: str, *, seconds: float = 30.0) -> None:
        """Paste a text into the idle session and press Enter."""
        self.wait_for_first_turn(seconds)
        self.wait_for_status("idle", seconds=seconds)
        before = self.state
        start = text.lstrip("! \n")[:20].split("\n")[0].rstrip()
        # A session that has just started may lose a paste, and takes an early Enter for a newline.
        self._insist(lambda: self.paste(text), lambda: self._box_shows(start))
        self._insist(lambda: self.press("Enter"), lambda: not self._box_shows(start))
        with contextlib.suppress(AssertionError):  # a few slash commands change nothing
            wait_until(lambda: self.state != before, 2.0, str)

    def wait_for_first_turn(self, seconds: float = 30.0) -> None:
        """Wait until the prompt it was started with, if any, has an answer.

        A session is idle for a moment before it takes that prompt, and loses what is typed then.
        """
        if self.prompt and not self.prompt.startswith("/"):
            missing = self._what("the first prompt has no answer")
            wait_until(self._first_prompt_is_answered, seconds, missing)

    def paste(self, text: str) -> None:
        """Paste a text without Enter, whatever the session does at this moment."""
        self._tmux("load-buffer", "-b", "lab", "-", text=text)
        self._tmux("paste-buffer", "-p", "-d", "-b", "lab", "-t", self.pane)

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names, for example "Escape", whatever the session does."""
        self._tmux("send-keys", "-t", self.pane, *keys)

    def screen(self) -> str:
        """What the pane shows; "" when it is gone."""
        return self.lab.try_tmux(self.socket, "capture-pane", "-p", "-t", self.pane).stdout.rstrip()

    def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = 15.0) -> None:
        """End it by a signal and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, how)
        self.wait_for_end(seconds)

    def wait_for_end(self, seconds: float = 15.0) -> None:
        """Wait until its process is gone."""
        wait_until(lambda: not self.alive, seconds, self._what("it still runs"))

    def _insist(self, act: Callable[[], None], has_worked: Callable[[], bool]) -> None:
        for _ in range(3):
            act()
            with contextlib.suppress(AssertionError):
                wait_until(has_worked, 2.0, str)
                return
        raise AssertionError(self._what("it does not react to keys")())

    def _box_shows(self, start: str) -> bool:
        """Whether the input box, between the last two rules of the screen, holds this text."""
        lines = self.screen().splitlines()
        rules = [number for number, line in enumerate(lines) if line.startswith(RULE)]
        box = "\n".join(lines[rules[-2] :]) if len(rules) > 1 else ""
        return self.alive and (start in box or "[Pasted text" in box)

    def _first_prompt_is_answered(self) -> bool:
        start = json.dumps(self.prompt.strip()[:60], ensure_ascii=False)[1:-1]
        lines = self.lab.transcript(self.state.get("sessionId", ""))
        asked = [line["timestamp"] for line in lines if _is_prompt(line, start)]
        # By their times: the answer's line may come before that of the prompt.
        said = [line["timestamp"] for line in lines if line["type"] == "assistant"]
        return bool(asked and said) and max(said) >= max(asked)

    def _tmux(self, *args: str, text: str = "") -> None:
        done = self.lab.try_tmux(self.socket, *args, text=text)
        assert done.returncode == 0, f"tmux {args}: {done.stderr}\n{self.state}"

    def _what(self, missing: str) -> Callable[[], str]:
        return lambda: f"{missing}\nsession file: {self.state}\n{self.screen()}"


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
        seconds: float = 60.0,
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
        seconds: float = 60.0,
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
        self, is_it: Callable[[dict[str, Any]], bool], seconds: float = 30.0
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
            return list(_processes_with(f"HOME={self.home}"))
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
            timeout=20,
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
        if not (self._all_end(signal.SIGTERM, 5.0) or self._all_end(signal.SIGKILL, 10.0)):
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
        family = _with_ancestors(pid)
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
        return [pid for pid in pids if _is_running(pid)]


def _is_running(pid: int) -> bool:
    # Not by a signal: tmux may leave a process that ended as a zombie for a while.
    state = _ps(pid, "stat")
    return bool(state) and not state.startswith("Z")


def _ps(pid: int, column: str) -> str:
    command = ["ps", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False
    ).stdout.strip()


def _is_prompt(line: Mapping[str, Any], start: str) -> bool:
    return line["type"] == "user" and start in json.dumps(line["message"], ensure_ascii=False)


def _with_ancestors(pid: int) -> list[int]:
    family = []
    while pid > 1:
        family.append(pid)
        pid = int(_ps(pid, "ppid") or 0)
    return family


def _processes_with(setting: str) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if setting.encode() in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)
