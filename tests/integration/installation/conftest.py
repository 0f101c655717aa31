"""A plugin whose packages are small wheels in a folder beside it: pip is the real one."""

import hashlib
import os
import zipfile
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen, run
from typing import NamedTuple

import pytest

from tests.conftest import CHECKOUT
from tests.support.checkouts import copy


class Plugin(NamedTuple):
    """A copy of the plugin, and what its set-up is told by the environment."""

    root: Path
    environ: dict[str, str]

    @property
    def data(self) -> Path:
        """Where its environment is made."""
        return Path(self.environ["CLAUDE_PLUGIN_DATA"])

    @property
    def venv(self) -> Path:
        """Its environment."""
        (venv,) = (path for path in self.data.iterdir() if path.is_dir())
        return venv

    @property
    def command(self) -> list[str]:
        """Its launcher, which sets up what is needed and says a version."""
        return [str(self.root / "bin" / "worker-manager"), "--version"]

    def start(self, **environ: str) -> CompletedProcess[str]:
        """Runs it."""
        given = {**self.environ, **environ}
        return run(self.command, env=given, capture_output=True, text=True, check=False)

    def require(self, step: str) -> CompletedProcess[str]:
        """Asks for a step in its environment, as a command does, and loads the step's module."""
        return run(self.requiring(step), env=self.environ, capture_output=True, text=True)

    def requiring(self, step: str) -> list[str]:
        """The command of that."""
        code = (
            "from worker_manager.installation import environment\n"
            f"environment.require({step!r})\n"
            "import rich, mdurl\nprint(rich.__file__, mdurl.__file__)"
        )
        return [str(self.venv / "bin" / "python"), "-I", "-c", code]

    def begin(self, command: list[str]) -> Popen[str]:
        """Starts one in the background."""
        return Popen(command, env=self.environ, stdout=PIPE, stderr=PIPE, text=True)


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    root, index = tmp_path / "plugin", tmp_path / "index"
    for name in ("bin", "hooks", ".claude-plugin", "src"):
        copy(CHECKOUT / name, root / name)
    index.mkdir()
    entries = [wheel(index, name) for name in ("idna", "rich", "mdurl")]
    (root / "requirements.lock").write_text("".join(entries), "utf-8")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CLAUDE_PLUGIN_DATA": str(tmp_path / "data"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
    }
    return Plugin(root, environ)


def wheel(index: Path, name: str) -> str:
    """Makes a wheel with one module; its entry in a lock file."""
    module = name.replace("-", "_")
    path = index / f"{module}-1.0-py3-none-any.whl"
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    listed = "".join(f"{one},,\n" for one in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": listed}.items():
            archive.writestr(file, text)
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
