"""What Codex 0.171.0 wrote of two sessions: one met its usage limit, in one somebody pressed Esc.
Long texts in them are cut.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from worker_manager.agents.codex import agent, attended, rollouts, turns
from worker_manager.agents.codex.usage import Meter, load

HERE = Path(__file__).parent
THREAD = "01a22110-b541-78b1-b243-3ac11c3c1764"


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rollout of a session that met its limit, where Codex keeps it."""
    return _in_its_place("limit", tmp_path, monkeypatch)


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That of one in which somebody pressed Esc."""
    return _in_its_place("interrupted", tmp_path, monkeypatch)


def _in_its_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    monkeypatch.setattr(rollouts.time, "time", lambda: 1_795_851_200.0)  # on that day
    folder = tmp_path / "sessions" / "2026" / "11" / "28"
    folder.mkdir(parents=True)
    path = folder / f"rollout-2026-11-28T07-31-12-{THREAD}.jsonl"
    shutil.copy(HERE / f"{name}.jsonl", path)
    return path


def _queue(home: Path, text: str) -> None:
    with closing(sqlite3.connect(home / "queue_1.sqlite")) as database, database:
        database.execute("CREATE TABLE queued_items (thread_id TEXT, payload_json TEXT)")
        row = (THREAD, json.dumps({"text": text}))
        database.execute("INSERT INTO queued_items VALUES (?, ?)", row)


def test_its_log_tells_what_was_told_called_and_said(limit: Path) -> None:
    texts = [text for entry in agent.entries(str(limit), 0) for text in entry.texts]

    assert texts[:3] == [
        "told: W1 do it",
        'exec: const r = await tools.mcp__crew__complete({summary:"s"}); text(r);',
        "says: done",
    ]
    assert texts[-1].startswith("error: You’ve hit your usage limit.")  # noqa: RUF001  its own
    assert agent.latest(str(limit)) == texts[-1]


def test_a_turn_at_the_usage_limit_is_over_and_waits(limit: Path) -> None:
    last = attended.turn(str(limit))

    assert last is not None
    assert (last.is_over, last.error, last.was_interrupted) == (True, turns.RATE_LIMIT, False)
    assert "try again at 9:06 PM" in last.said
    doing = attended.activity(str(limit))
    assert doing is not None
    assert (doing.status, doing.waiting_for) == ("waiting", "its usage limit")
    assert doing.since == pytest.approx(1_795_851_102.625)


def test_an_interrupted_turn_is_idle_and_told_as_such(interrupted: Path) -> None:
    last, doing = attended.turn(str(interrupted)), attended.activity(str(interrupted))

    assert last is not None
    assert (last.is_over, last.error, last.was_interrupted) == (True, "", True)
    assert doing is not None
    assert doing.status == "idle"


def test_a_turn_that_has_written_much_is_still_busy(
    limit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = limit.read_bytes().splitlines(keepends=True)
    limit.write_bytes(b"".join(lines[:15]) + lines[14] * 20)
    monkeypatch.setattr(turns, "TAIL_BYTES", 2_000)  # less than was written since it began

    doing = attended.activity(str(limit))

    assert doing is not None
    assert doing.status == "busy"


def test_a_message_counts_once_its_turn_ended_well(limit: Path, tmp_path: Path) -> None:
    first, failed, unknown = "W1 do it", "m_11111111", "m_22222222"

    seen, queued, has_ended = agent.receipts(str(limit), 0, [first, failed, unknown])

    assert (seen, queued, has_ended) == ({first}, set(), True)
    _queue(tmp_path, f"letter {unknown}")
    assert agent.receipts(str(limit), 0, [failed, unknown])[1] == {unknown}


def test_a_queue_that_cant_be_read_has_lost_nothing(limit: Path, tmp_path: Path) -> None:
    (tmp_path / "queue_1.sqlite").write_bytes(b"another format")

    seen, queued, _ = agent.receipts(str(limit), 0, ["m_22222222"])

    assert (seen, queued) == (set(), {"m_22222222"})


def test_a_message_of_an_interrupted_turn_may_still_be_read(interrupted: Path) -> None:
    seen, queued, _ = agent.receipts(str(interrupted), 0, ["W4 SLOW"])

    assert (seen, queued) == (set(), {"W4 SLOW"})


@pytest.mark.parametrize("where", ["nowhere", "queue", "rollout"])
def test_a_message_that_codex_took_in_before_it_hung_is_not_sent_again(
    limit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    text = 'read the file "/home/person/letter-m_1.md" (m_1)'
    hang = tmp_path / "bin" / "codex"
    hang.parent.mkdir()
    content = [{"type": "input_text", "text": text}]
    message = {"type": "message", "role": "user", "content": content}
    line = json.dumps({"type": "response_item", "payload": message})
    does = f"cat {tmp_path}/line >>{limit}; " if where == "rollout" else ""
    (tmp_path / "line").write_text(f"{line}\n", "utf-8")
    hang.write_text(
        f'#!/bin/sh\nif [ "$1" = queue ]; then exec sleep 600; fi\n'
        # It is asked this first: so long a slow machine may take.
        f"{does}echo '  queue   Queue a message'\n",
        "utf-8",
    )
    hang.chmod(0o755)
    monkeypatch.setenv("PATH", str(hang.parent), prepend=os.pathsep)
    monkeypatch.setattr(turns, "QUEUE_SECONDS", 0.1)
    if where == "queue":
        _queue(tmp_path, text)

    why = turns.queue_prompt(str(limit), text)

    assert bool(why) == (where == "nowhere")


def test_the_rollout_of_a_worker_is_the_one_that_names_its_home(limit: Path) -> None:
    began = limit.stat().st_mtime - 1
    text = limit.read_text("utf-8")
    home = '/home/person/state/"x"/workers/aaaaaaaa'
    limit.write_text(text.replace("W1 do it", json.dumps(f"Read {home}/task.md")[1:-1]), "utf-8")

    assert attended.find_transcript(home, began) == str(limit)
    assert attended.find_transcript("/home/person/state/workers/bbbbbbbb", began) == ""
    assert attended.find_transcript(home, limit.stat().st_mtime + 1) == ""
    assert rollouts.thread_of(str(limit)) == THREAD
    # A sub-agent may be told the same.
    text = limit.read_text("utf-8").replace('"thread_source":"user"', '"thread_source":"subagent"')
    limit.write_text(text, "utf-8")
    assert attended.find_transcript(home, began) == ""


def test_a_session_that_comes_to_speak_of_a_worker_is_not_the_workers(limit: Path) -> None:
    home = "/home/person/state/workers/aaaaaaaa"
    text = limit.read_text("utf-8").replace('"done"', f'"I have read {home}/task.md"')
    assert home in text
    limit.write_text(text, "utf-8")

    assert attended.find_transcript(home, limit.stat().st_mtime - 1) == ""


def test_usage_is_counted_once_however_often_it_is_written(limit: Path) -> None:
    usage = Meter(load("")).usage(str(limit))

    assert usage is not None
    assert (usage.read, usage.written, usage.fresh) == (28_520, 103, 28_623)
    assert usage.context == 14_369
    assert usage.cost == pytest.approx((28_520 * 2.0 + 103 * 10.0) / 1_000_000)


def test_a_model_without_a_price_has_no_cost(limit: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    entry = 'models = ["another"]\ninput = 1.0\ncache_read = 0.1\noutput = 2.0\n'
    prices.write_text(f"[[price]]\n{entry}", "utf-8")

    usage = Meter(load(str(prices))).usage(str(limit))

    assert usage is not None
    assert (usage.read, usage.cost) == (28_520, None)
