"""What several of the unit tests begin with."""

from pathlib import Path

import pytest

from worker_manager.state import orchestrators
from worker_manager.state.layout import state_root


@pytest.fixture
def home(tmp_path: Path) -> str:
    """That of an orchestrator; nothing waits in its mailbox."""
    return orchestrators.open_home(state_root(), "session-1", str(tmp_path))
