"""The committed JSON schema (for editors) is the one that the code checks with."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from scalesearch.design.baseline_file import BaselineFile

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "schema" / "baseline.schema.json"
SPACES = sorted((ROOT / "search_spaces").glob("*.yaml"))


def test_the_committed_schema_is_current() -> None:
    current = json.dumps(BaselineFile.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert SCHEMA.read_text() == current, f"write BaselineFile.model_json_schema() to {SCHEMA.name} again"


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_every_shipped_baseline_follows_the_schema(path: Path) -> None:
    tree = yaml.safe_load(path.read_text())
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tree, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tree, "resolutoin": 3}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tree, "batch_norm_eps": "0.001"}, schema)


def test_an_editor_would_fill_in_defaults_that_the_reader_takes() -> None:
    schema = json.loads(SCHEMA.read_text())
    parts = [schema, *schema["$defs"].values()]
    for part in parts:
        for entry in part["properties"].values():
            if entry.get("default") is not None:
                jsonschema.validate(entry["default"], {**entry, "$defs": schema["$defs"]})


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_every_shipped_baseline_says_how_depth_and_width_apply(path: Path) -> None:
    said = " ".join(line[2:] for line in path.read_text().splitlines() if line.startswith("# "))
    assert "Depth multiplies the " in said
    assert "width " in said
