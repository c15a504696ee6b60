"""Print the JSON schema of baseline files; `make schema` writes it to this folder."""

from __future__ import annotations

import json

from scalesearch.design.baseline_file import BaselineFile

print(json.dumps(BaselineFile.model_json_schema(), indent=2, ensure_ascii=False))
