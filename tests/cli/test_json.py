"""`--json`: one object on standard output that follows its schema and says what the tables say."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import scalesearch

from scalesearch.cli.facts import OUTPUTS, Facts
from scalesearch.cli.json_output import as_tree, json_schema, schema_file
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.networks import load_network

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
STUDIES = sorted(path.parent for path in REFERENCE.glob("*/study.json"))
SCHEMAS = ROOT / "docs" / "schema" / "output"


def valid(command: str, text: str) -> dict[str, Any]:
    """The object, which follows the schema of a command; NaN and infinity are no JSON."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    assert text.isascii()
    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    jsonschema.validate(found, json_schema(command))
    assert list(found) == [one.name for one in fields(OUTPUTS[command])]
    return found


def output(*words: str, cwd: Path | None = None, command: str = "", code: int = 0) -> dict[str, Any]:
    done = scalesearch(*words, "--json", cwd=cwd)
    assert done.returncode == code, done.stderr
    return valid(command or words[0], done.stdout)


@pytest.mark.parametrize("command", OUTPUTS)
def test_the_committed_schemas_are_current_and_describe_every_key(command: str) -> None:
    schema: dict[str, Any] = json_schema(command)
    jsonschema.Draft202012Validator.check_schema(schema)
    current = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    assert (SCHEMAS / schema_file(command)).read_text(encoding="utf-8") == current, "run `make schema`"
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["additionalProperties"] is False
        assert sorted(part["required"]) == sorted(part["properties"])
        assert all(one["description"].endswith(".") for one in part["properties"].values())


def test_every_schema_is_of_a_command_and_on_the_page() -> None:
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    assert {path.name for path in SCHEMAS.iterdir()} == {schema_file(command) for command in OUTPUTS}
    for command in OUTPUTS:
        name = schema_file(command)
        assert f"| `{command}` | [{name}](schema/output/{name}) |" in page


def test_numbers_are_as_they_are() -> None:
    assert as_tree((2**60 + 1, 1 / 3, float("nan"), float("inf"))) == [2**60 + 1, 1 / 3, None, None]


def test_cost_and_receipt() -> None:
    facts = output("cost", "b0", "--width", "1.1")
    assert facts["macs"] == cost(load_network("b0").scale(_width("1.1")).architecture).macs
    whole = output("cost", "tiny", "--breakdown", command="cost --breakdown")
    assert {key: whole[key] for key in facts} == output("cost", "tiny")


def _width(text: str) -> Any:
    from decimal import Decimal

    from scalesearch.design.coefficients import Multipliers

    return Multipliers(width=Decimal(text))


def test_what_a_users_function_prints_goes_to_standard_error(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import torch\n\n\ndef network(depth: float, width: float, resolution: int = 8):\n"
        "    print('one more network')\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, max(1, round(8 * width)), 3), torch.nn.Flatten())\n"
    )
    done = scalesearch("cost", "loud:network", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert valid("cost", done.stdout)["params"] == 8 * (27 + 1)
    assert "one more network" in done.stderr


def test_explain() -> None:
    facts = output("explain", "b1")
    assert (facts["baseline"], facts["member"], facts["rounding"], facts["px"]) == ("b0", "b1", "paper", 240)
    assert round(facts["depth"]["phi"], 2) == 0.52
    assert [round(phi, 2) for phi in facts["common_phi_range"]] == [0.43, 0.51]
    assert sum(one["scaled_macs"] for one in facts["stages"]) == facts["macs"]
    for one in facts["stages"]:
        added = one["macs_by_depth"] + one["macs_by_width"] + one["macs_by_resolution"]
        assert one["macs"] + added == one["scaled_macs"]
    assert facts["at_phi_1"]["twin"] == "b2"


def test_a_phi_that_does_not_exist_is_null() -> None:
    scaled = ("--depth", "1.2", "--width", "1.1", "--resolution", "240")
    facts = output("explain", "b0", *scaled, "--coefficients", "1.44", "1", "1")
    assert (facts["width"]["phi"], facts["width"]["phi_range"]) == (None, None)
    assert facts["common_phi_range"] is None
    any_phi = output("explain", "b0", "--depth", "1.2", "--coefficients", "1.2", "1", "1")["width"]
    assert (any_phi["phi"], any_phi["phi_range"]) == (None, [None, None])


def test_solve(tmp_path: Path) -> None:
    words = ("solve", "tiny", "--max-flops", "5M", "--max-memory", "2MiB", "--out", "member.yaml")
    done = scalesearch(*words, "--json", cwd=tmp_path)
    facts = valid("solve", done.stdout)
    assert done.stderr == "written to member.yaml\n"
    member = load_network(str(tmp_path / "member.yaml")).architecture
    assert facts["file"] == "member.yaml"
    assert (facts["px"], facts["widths"]) == (member.resolution, list(member.widths))
    price = cost(member)
    assert (facts["macs"], facts["params"]) == (price.macs, price.params)
    assert facts["flops_ratio"] == price.macs / cost(load_baseline("tiny").architecture).macs
    flops, memory = facts["limits"]
    assert (flops["option"], flops["quantity"], flops["at_most"]) == ("--max-flops", "macs", 5_000_000)
    assert flops["used"] == price.macs <= 5_000_000
    assert (memory["quantity"], memory["at_most"]) == ("memory_bytes", 2 * 2**20)
    shown = scalesearch(*words, cwd=tmp_path).stdout
    assert f"{facts['macs']:,} multiply-adds" in shown
    assert f"{facts['next_larger']['macs']:,} multiply-adds" in shown


def test_family(tmp_path: Path) -> None:
    words = ("family", "tiny", "--coefficients", "1.2", "1.1", "1.15", "--out", "fam")
    done = scalesearch(*words, "--json", cwd=tmp_path)
    facts = valid("family", done.stdout)
    assert done.stderr == "8 baseline files in fam\n"
    assert (facts["match"], facts["rule"], facts["rounding"]) == ("flops", "v1", "balanced")
    for one, path in zip(facts["members"], facts["files"], strict=True):
        member = load_network(str(tmp_path / path)).architecture
        assert (one["macs"], one["depths"]) == (cost(member).macs, list(member.depths))
    assert [one["phi"] for one in facts["members"]] == [*range(8)]


def test_published_families() -> None:
    facts = output("family", "b0", "--published")
    assert (facts["coefficients"], facts["match"], facts["rule"]) == (None, None, None)
    assert [one["name"] for one in facts["members"]] == [f"b{i}" for i in range(8)]
    assert [one["phi"] for one in facts["members"]] == [0, *[None] * 7]
    beside = output("family", "efficientnet_v2_s", "--published")
    assert beside["members"] == []
    published = [one["published"] for one in beside["beside"]]
    assert [one["name"] for one in published] == ["efficientnet_v2_m", "efficientnet_v2_l"]
    counted = cost(load_baseline("efficientnet_v2_m").architecture)
    assert (published[0]["macs"], published[0]["activations"]) == (counted.macs, counted.activations)
    regnets = output("family", "regnety_400mf", "--published", "--coefficients", "1.3", "1.1", "1.1")
    assert regnets["coefficients"]["alpha"] == 1.3
    assert [one["published"]["px"] for one in regnets["beside"]] == [224] * 10


def test_tables() -> None:
    facts = output("tables")
    assert [len(rows) for rows in facts.values()] == [9, 24, 14, 5]


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_show_has_the_rows_of_report_csv(folder: Path) -> None:
    import csv

    facts = output("show", str(folder))
    assert facts["finished"]
    assert facts["resume_command"] is None
    rows = [*csv.DictReader((folder / "report.csv").read_text(encoding="utf-8").splitlines())]
    assert [list(one) for one in facts["candidates"]] == [list(row) for row in rows]
    for one, row in zip(facts["candidates"], rows, strict=True):
        for key in ("place", "macs", "params", "seeds"):
            assert ("" if one[key] is None else str(one[key])) == row[key]
    assert facts["summary"][-1] in scalesearch("show", str(folder)).stdout


def test_show_of_a_study_without_an_answer(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE / "resnet18-phi1-quick", tmp_path / "s")
    shutil.rmtree(tmp_path / "s" / "trials")
    facts = output("show", "s", cwd=tmp_path)
    assert (facts["trials"], facts["finished"]) == (0, False)
    assert (facts["recommended"], facts["winner"], facts["candidates"]) == (None, None, [])
    assert facts["resume_command"].startswith("scalesearch grid ")


def test_verify_prints_what_is_wrong_and_ends_as_without_json(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE / "resnet18-phi1-quick", tmp_path / "s")
    facts = output("verify", "s", cwd=tmp_path)
    assert (facts["agrees"], facts["records"], facts["total_trials"]) == (True, 27, 27)
    for path in sorted((tmp_path / "s" / "trials").glob("*.json"))[:2]:
        path.write_text(path.read_text(encoding="utf-8").replace("0.", "1.", 1), encoding="utf-8")
    plain = scalesearch("verify", "s", cwd=tmp_path)
    done = scalesearch("verify", "s", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr) == (1, plain.stderr)
    facts = valid("verify", done.stdout)
    assert (facts["agrees"], facts["records"], len(facts["disagreements"])) == (False, None, 2)
    assert plain.stdout.splitlines() == facts["disagreements"][1:]


@pytest.mark.parametrize(
    "words",
    [
        ("solve", "b0"),
        ("solve", "tiny", "--max-params", "1k"),
        ("explain", "b0"),
        ("family", "resnet18", "--published"),
        ("show", "nowhere"),
        ("cost", "b11"),
    ],
    ids=" ".join,
)
def test_errors_stay_one_line_with_their_exit_code(words: tuple[str, ...], tmp_path: Path) -> None:
    plain, done = scalesearch(*words, cwd=tmp_path), scalesearch(*words, "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (plain.returncode, "", plain.stderr)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_all_facts_are_printed_by_some_command() -> None:
    """No class is left over; those within others are in the schemas' definitions."""
    known = {kind.__name__ for kind in OUTPUTS.values()}
    for command in OUTPUTS:
        schema: dict[str, Any] = json_schema(command)
        known |= set(schema.get("$defs", {}))
    found, left = set[type](), [Facts]
    while left:
        found |= set(below := left.pop().__subclasses__())
        left += below
    assert {one.__name__ for one in found if one.__module__ == Facts.__module__} == known
