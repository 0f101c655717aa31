"""Tokens from a transcript."""

import json
from pathlib import Path

from worker_manager.agents.usage import Meter, Usage


def line(message_id: str, read: int, written: int, cached: int = 0) -> str:
    usage = {"input_tokens": read, "output_tokens": written, "cache_read_input_tokens": cached}
    return json.dumps({"type": "assistant", "message": {"id": message_id, "usage": usage}}) + "\n"


def test_each_message_counts_once_and_only_what_is_new_is_read(tmp_path: Path) -> None:
    transcript, meter = tmp_path / "t.jsonl", Meter()
    transcript.write_text(line("a", 10, 1) + line("a", 10, 5) + "no json\n", "utf-8")

    assert meter.usage(str(transcript)) == Usage(10, 5, 15)

    with transcript.open("a", encoding="utf-8") as file:
        file.write(line("b", 20, 7, cached=100) + line("c", 1, 1)[:-1])
    assert meter.usage(str(transcript)) == Usage(130, 12, 127)

    with transcript.open("a", encoding="utf-8") as file:
        file.write("\n")
    assert meter.usage(str(transcript)) == Usage(131, 13, 2)


def test_without_a_transcript_nothing_is_known(tmp_path: Path) -> None:
    assert Meter().usage(str(tmp_path / "none")) is None
