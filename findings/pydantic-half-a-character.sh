#!/bin/sh
# Seen with pydantic 2.14.3.
# Guess: a str that a model has accepted can be written as JSON and read again.
# Seen: half of a surrogate pair (as json.loads gives for "\\ud83d", a file's undecodable name, or text
# that was cut in UTF-16) is accepted, model_dump(mode="json") returns it as it is, model_dump_json
# raises; and what json.dumps writes of it model_validate_json refuses.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q pydantic==2.14.3
venv/bin/python - <<'END' || { echo "It behaves otherwise now."; exit 1; }
import json
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError
class Note(BaseModel):
    text: str
note = Note.model_validate(json.loads('{"text": "a\\ud83d"}'))
got = [note.model_dump(mode="json")["text"] == "a\ud83d"]
try:
    note.model_dump_json()
except PydanticSerializationError as error:
    print(error)
    got.append("can't be written")
try:
    Note.model_validate_json(json.dumps(note.model_dump(mode="json")))
except ValidationError as error:
    print(error.errors()[0]["msg"])
    got.append("can't be read")
print(got)
assert got == [True, "can't be written", "can't be read"]
END
