"""What a session does at this moment, as its agent says."""

from collections.abc import Mapping

from worker_manager.agents import HOST, agent_in_record, agent_named
from worker_manager.domain.session import Activity
from worker_manager.state import process_identity, sessions
from worker_manager.state.layout import transcript_of
from worker_manager.state.workers import running_checks


def activity(root: str, home: str, agent: str = HOST) -> Activity | None:
    """That of the session of a home, in which this agent runs; None when it doesn't say."""
    told = (_told(home, pid, agent) for pid in sessions.attending(root, home))
    return next((one for one in told if one is not None), None)


def activities(root: str, agents: Mapping[str, str]) -> dict[str, Activity]:
    """Those of homes, by home: one look at the processes, however many there are. `agents` names
    the agent of each home.
    """
    if not agents:
        return {}
    attending = [one for one in sessions.all_attending(root) if one[0] in agents]
    told = ((home, _told(home, pid, agents[home])) for home, pid in attending)
    return {home: one for home, one in told if one is not None}


def running() -> list[tuple[int, str]]:
    """The processes of this user that could be an orchestrator, and the directory of each."""
    noted = agent_named(HOST).processes()
    return [one for one in noted if process_identity.start_time(one[0]) is not None]


def _told(home: str, pid: int, agent: str) -> Activity | None:
    known = agent_in_record(agent)
    attended = known.attended
    told = known.activity(pid) if attended is None else attended.activity(transcript_of(home))
    if told is not None and told.status == "idle" and running_checks.are_under_way(home):
        return told._replace(status="shell")  # a prompt behind which something runs
    return told
