"""Write the JSON Schemas of what commands print with `--json`: `make schema` runs it."""

from __future__ import annotations

import json
from pathlib import Path

from scalesearch.cli.facts import OUTPUTS
from scalesearch.cli.json_output import json_schema, schema_file

FOLDER = Path(__file__).parent / "output"

FOLDER.mkdir(exist_ok=True)
for command in OUTPUTS:
    text = json.dumps(json_schema(command), indent=2, ensure_ascii=False)
    (FOLDER / schema_file(command)).write_text(f"{text}\n", encoding="utf-8")
