"""Help, cost and family as a user meets them."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch
import typer.main
from command import scalesearch
from safetensors.torch import load_file

from scalesearch.cli.main import app
from scalesearch.design.baselines import load_baseline
from scalesearch.export.verify import randomized
from scalesearch.nets.weights import weights_file, weights_of, with_classes

VERBS = {
    "grid": "max_megapixels "
    "baseline phi data budget seeds step tolerance rounding match runner address insecure_cluster "
    "gpus_per_trial stall_seconds name results transfer_phi metric plan scheduler cost sampler "
    "objectives max_params max_memory storage until_regret time times resolution resolution_multiple",
    "nas": "max_megapixels "
    "space baseline sampler reward target hard trials max_flops max_params max_memory data budget seeds "
    "scheduler sampler_seed metric runner address insecure_cluster gpus_per_trial stall_seconds name results plan",
    "compare": "max_megapixels "
    "baseline times winner data budget seeds rounding cost runner address insecure_cluster "
    "gpus_per_trial stall_seconds name results metric plan resolution resolution_multiple",
    "cost": "network depth width resolution batch rounding json breakdown",
    "explain": "network depth width resolution coefficients rounding json",
    "solve": "network max_flops max_params max_memory batch training max_latency coefficients rounding "
    "resolution resolution_multiple out json",
    "latency": "names against depth width resolution batch runs json",
    "train": "max_megapixels "
    "network data recipe fixed epochs batch accumulate learning_rate resolution train_resolution seed workers "
    "address insecure_cluster threads budget name results",
    "transfer": "max_megapixels "
    "checkpoints data network scratch recipe epochs batch accumulate learning_rate resolution train_resolution "
    "seed padding pixels workers address insecure_cluster threads budget results",
    "cam": "networks images of count budget out",
    "tables": "rounding json",
    "family": "network coefficients phi times published rounding match rule resolution resolution_multiple "
    "out json",
    "export": "network to depth width resolution rounding out seed opset dynamic_side deployed",
    "import": "definition out",
    "show": "results json",
    "report": "results out export_optuna",
    "dashboard": "results port host allow_remote public_host prefix check",
    "validate-proxy": "max_megapixels results data seeds runner address insecure_cluster gpus_per_trial "
    "stall_seconds plan",
    "verify": "results rerun data max_megapixels json",
}


def test_the_set_of_verbs_and_options_is_frozen() -> None:
    group = typer.main.get_command(app)
    found = {name: {one.name for one in verb.params} - {"help"} for name, verb in group.commands.items()}  # type: ignore[attr-defined]
    assert found == {name: set(options.split()) for name, options in VERBS.items()}


@pytest.mark.parametrize("verb", [[], *([name] for name in VERBS)], ids=lambda words: " ".join(words) or "program")
def test_help_has_an_example(verb: list[str]) -> None:
    done = scalesearch(*verb, "--help")
    assert done.returncode == 0
    assert "Example: scalesearch " in done.stdout


def test_the_version_is_the_distributions() -> None:
    done = scalesearch("--version")
    assert (done.returncode, done.stdout) == (0, f"scalesearch {metadata.version('scalesearch')}\n")


def test_help_imports_nothing_heavy() -> None:
    """In .3 s on a quiet machine; any of these would be seconds."""
    code = f"""
import sys
from importlib import metadata
from scalesearch.cli.main import app
for verb in {[*VERBS]}:
    try:
        app([verb, "--help"], standalone_mode=False)
    except SystemExit:
        pass
heavy = {{"torch", "ray", "pandas", "fvcore", "numpy", "plotly", "optuna", "dash", "flask"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("Example: ") == len(VERBS)
    assert done.stdout.splitlines()[-1] == "[]"


_BUILDS_OR_TRAINS = ("export", "latency", "cam", "train", "transfer", "report", "show", "solve")
"""Verbs whose example takes seconds; their own tests are in the default suite."""


@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in _BUILDS_OR_TRAINS else [])
        for name in VERBS
        if name not in ("grid", "nas", "compare", "validate-proxy")
    ],
)
def test_the_example_of_each_help_runs(verb: str, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    reference = Path(__file__).parents[2] / "results" / "reference"
    (tmp_path / "results" / "reference").symlink_to(reference)
    (tmp_path / "b0_timm.py").write_text("arch_def = [['ds_r1_k3_s1_e1_c16']]\n")
    text = scalesearch(verb, "--help").stdout
    example = text.split("Example: scalesearch ")[1].split("\n\n")[0]
    done = scalesearch(*shlex.split(example), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_side_is_no_multiple_of_what_the_file_asks_for(tmp_path: Path) -> None:
    words = ("family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--phi", "1", "--resolution-multiple", "32")
    done = scalesearch(*words, "--out", "family", cwd=tmp_path)
    assert "256" in done.stdout
    assert scalesearch("cost", "family/b1.yaml", "--resolution", "288", cwd=tmp_path).returncode == 0
    done = scalesearch("cost", "family/b1.yaml", "--resolution", "300", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2, "scalesearch: --resolution 300: must be a multiple of 32, b1's resolution_multiple\n",
    )  # fmt: skip


def test_cost_json_has_the_promised_keys() -> None:
    facts = json.loads(scalesearch("cost", "b0", "--json").stdout)
    assert list(facts) == [
        "name", "macs", "params", "activations", "memory_bytes", "batch", "resolution", "depth", "width",
        "nominal_flops_ratio", "flops_ratio", "deployed_macs", "deployed_params", "backbone_macs",
        "backbone_params",
    ]  # fmt: skip
    assert facts["deployed_macs"] is facts["deployed_params"] is None
    assert (facts["macs"], facts["params"], facts["activations"]) == (385814752, 5288548, 6748036)
    assert (facts["flops_ratio"], facts["nominal_flops_ratio"], facts["resolution"]) == (1, 1, 224)


def test_cost_shows_the_form_that_is_deployed_too() -> None:
    facts = json.loads(scalesearch("cost", "repvgg_a0", "--json").stdout)
    assert (facts["macs"], facts["params"]) == (1512581120, 9108968)
    assert list(facts)[-4:-2] == ["deployed_macs", "deployed_params"]
    assert (facts["deployed_macs"], facts["deployed_params"]) == (1361451008, 8309384)
    table = scalesearch("cost", "repvgg_a0").stdout
    assert re.search(r"deployed: parameters +│ +8,309,384 ", table)


def test_export_writes_the_form_that_is_deployed(tmp_path: Path) -> None:
    words = ["export", "repvgg_a0", "--to", "torch", "--deployed", "--resolution", "32", "--out", str(tmp_path)]
    done = scalesearch(*words)
    assert done.returncode == 0, done.stderr
    assert "8,309,384 parameters" in done.stdout
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        f"repvgg_a0_d1_w1_32px_deployed.{end}" for end in ("py", "safetensors")
    ]
    done = scalesearch("export", "b0", "--to", "torch", "--deployed", "--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "scalesearch: b0: no block is deployed in another form than it is trained in; leave out --deployed"
    )


def test_cost_scales_by_the_files_own_rounding() -> None:
    words = ["cost", "b0", "--depth", "1.4", "--width", "1.2", "--resolution", "300", "--json"]
    facts = json.loads(scalesearch(*words).stdout)
    assert facts["macs"] == 1827141392  # EfficientNet-B3
    balanced = json.loads(scalesearch(*words, "--rounding", "balanced").stdout)
    assert balanced["macs"] < facts["macs"]


def test_the_breakdown_lets_fvcore_count() -> None:
    facts = json.loads(scalesearch("cost", "tiny", "--json", "--breakdown").stdout)
    counted = facts["fvcore"]["by_operator"]
    assert counted["conv"] + counted["linear"] == facts["macs"]
    assert facts["fvcore"]["total"] == sum(counted.values()) > facts["macs"]
    assert facts["conventions"]["flops"] == facts["conventions"]["torch_flop_counter"] == 2 * facts["macs"]
    for key in ("by_kind", "by_stage", "layers"):
        assert sum(one["macs"] for one in facts[key]) == facts["macs"]
        assert sum(one["params"] for one in facts[key]) == facts["params"]
    assert facts["layers"][1] == {
        "block": "stages.0.0", "role": "depthwise", "kind": "depthwise conv", "macs": 147456, "params": 176
    }  # fmt: skip


def test_the_breakdown_ends_in_the_counters_figures() -> None:
    shown = scalesearch("cost", "b0", "--breakdown").stdout
    for figure in ("385,814,752", "771,629,504", "13,475,392", "399,290,144", "2,369,248", "401,659,392"):
        assert figure in shown
    for row in ("stages.6", "classifier", "depthwise conv", "pointwise conv", "linear"):
        assert f" {row} " in shown


def test_a_published_member_is_a_network_like_any_other() -> None:
    assert json.loads(scalesearch("cost", "b4", "--json").stdout)["macs"] == 4393771024


def test_every_resolution_can_be_asked_for() -> None:
    from scalesearch.cli.definition import parse_multipliers

    baseline = load_baseline("b0")
    for px in (8, 223, 225, 227, 300, 601, 4097):
        by = parse_multipliers(baseline, "1", "1", px)
        assert baseline.scale(by).architecture.resolution == px


def test_a_family_is_files_that_are_baselines_again(tmp_path: Path) -> None:
    done = scalesearch("family", "tiny", "--coefficients", "1.2", "1.1", "1.15", "--out", "fam", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.stem for path in (tmp_path / "fam").iterdir()) == sorted(
        ["tiny", *(f"phi{i}" for i in range(1, 8))]
    )
    facts = json.loads(scalesearch("cost", "fam/phi1.yaml", "--json", cwd=tmp_path).stdout)
    assert "nominal FLOPs ratio 1.92027, measured" in (tmp_path / "fam" / "phi1.yaml").read_text()
    base = json.loads(scalesearch("cost", "tiny", "--json").stdout)
    assert facts["macs"] / base["macs"] == pytest.approx(2, rel=0.06)


def test_a_family_of_other_phi(tmp_path: Path) -> None:
    words = ["family", "tiny", "--coefficients", "1.2", "1.1", "1.15", "--json"]
    asked = ["--phi", "1", "--phi", "-2", "--phi=-0.5", "--out", "fam"]
    facts = json.loads(scalesearch(*words, *asked, cwd=tmp_path).stdout)
    assert [one["phi"] for one in facts["members"]] == [0, -2, -0.5, 1]
    assert facts["files"] == ["fam/tiny.yaml", "fam/phi-2.yaml", "fam/phi-0.5.yaml", "fam/phi1.yaml"]
    smaller = json.loads(scalesearch("cost", "fam/phi-2.yaml", "--json", cwd=tmp_path).stdout)
    assert smaller["macs"] == facts["members"][1]["macs"]
    by_times = json.loads(scalesearch(*words, "--times", "2", "--times", "0.25").stdout)["members"]
    assert [one["name"] for one in by_times] == ["tiny", "tiny-0.25x", "tiny-2x"]
    for one, place in ((by_times[1], 1), (by_times[2], 3)):
        assert {**one, "name": ""} == {**facts["members"][place], "name": ""}


def test_the_published_family_is_the_papers() -> None:
    shown = scalesearch("family", "b0", "--published").stdout
    for name, px, ratio in (("b1", "240", "1.78x"), ("b7", "600", "97.83x")):
        (row,) = [line for line in shown.splitlines() if line.startswith(f"{name} ")]
        assert px in row
        assert ratio in row


def test_an_export_is_written_checked_and_read_back(tmp_path: Path) -> None:
    done = scalesearch("export", "tiny", "--to", "timm", "--width", "2", "--out", "here/there", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "here/there/tiny_d1_w2_64px_timm.py"
    assert second.startswith("reads back as the same network")
    done = scalesearch("import", first, "--out", "mine.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    words = ["cost", "tiny", "--width", "2", "--json"]
    wanted, got = (
        json.loads(scalesearch(*w, cwd=tmp_path).stdout) for w in (words, ["cost", "mine.yaml", "--json"])
    )
    assert {key: wanted[key] for key in ("macs", "params")} == {key: got[key] for key in ("macs", "params")}
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == [
        "here",
        "mine.yaml",
    ]


def test_trained_weights_go_along(tmp_path: Path) -> None:
    """Run without this package they give the logits that ours gives."""
    definition = with_classes(load_baseline("tiny"), 4)
    trained = randomized(definition.architecture)
    (tmp_path / "mine.safetensors").write_bytes(weights_file(weights_of(definition, trained, "abcd")))
    done = scalesearch("export", "mine.safetensors", "--to", "torch", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    source = runpy.run_path(str(tmp_path / "exports" / "tiny.py"))
    network = source["Network"]().eval()
    network.load_state_dict(load_file(tmp_path / "exports" / "tiny.safetensors"))
    images_NCHW = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        wanted_NK = trained(images_NCHW)
        assert torch.allclose(network(images_NCHW), wanted_NK, atol=1e-5 * float(wanted_NK.abs().max()))
    done = scalesearch("export", "mine.safetensors", "--to", "torch", "--width", "2", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_an_export_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    done = scalesearch("export", "mnasnet", "--to", "torchvision", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("scalesearch: mnasnet: torchvision's network has relu6, but this one relu; ")
    assert not (tmp_path / "exports").exists()


def test_help_names_every_rounding_rule() -> None:
    from scalesearch.design.rounding import ROUNDING_RULES

    said = " ".join(scalesearch("cost", "--help").stdout.split())
    assert all(rule in said.split("--rounding")[1] for rule in ROUNDING_RULES)


@pytest.mark.parametrize(
    "words",
    [
        "show results/reference/b0-phi1-quick",
        "show results/reference/nas-tiny-digits",
        "show results/reference/b0-compare-4x-quick",
        "family b0 --coefficients 1.2 1.1 1.15",
    ],
)
def test_eighty_columns_hold_every_figure(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table, _, _ = scalesearch(*words.split(), cwd=Path(__file__).parents[2]).stdout.partition("= ties")
    assert len(table.splitlines()) >= 6
    assert "…" not in table
    assert max(len(line.rstrip()) for line in table.splitlines()) <= 80
