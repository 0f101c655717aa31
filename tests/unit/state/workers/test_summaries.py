"""What a shell asks for at a Tab, of records as they may be."""

import json
from pathlib import Path

from worker_manager.state.layout import WORKERS
from worker_manager.state.workers.summaries import summaries


def test_a_damaged_time_takes_nothing_from_the_others(tmp_path: Path) -> None:
    times = {"00000001": "2026-01-02", "00000002": 7, "00000003": "2026-01-01"}
    for worker_id, at in times.items():
        home = tmp_path / WORKERS / worker_id
        home.mkdir(parents=True)
        record = {"id": worker_id, "name": "n", "status": "working", "title": "t"}
        (home / "worker.json").write_text(json.dumps({**record, "created_at": at}), "utf-8")

    found = [one[0] for one in summaries(str(tmp_path))]

    assert found == ["00000003", "00000001", "00000002"]
