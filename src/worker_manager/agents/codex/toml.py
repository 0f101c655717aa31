"""Values as TOML on one line, as Codex takes them behind `-c`."""

import json


def written(value: object) -> str:
    """A text of JSON is one of TOML; keys are plain words."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}={written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
