"""timm's models as baselines, `timm:NAME`: read from the sources of an installed timm, which is never imported."""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from planted import DATA

from scalesearch.cli.definition import load_definition, load_stage_baseline, with_multiple
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import is_factory, load_baseline
from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.export.library_rules import same_network
from scalesearch.export.timm_model import load_timm
from scalesearch.notebook.networks import baseline as notebook_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.study import Study, open_or_create

BUILDER = """
def round_channels(channels, multiplier=1.0):
    return channels
"""
RESNET = """
raise RuntimeError("this file is run")

def _cfg(url='', **kwargs):
    return {'url': url, 'num_classes': 1000, 'input_size': (3, 224, 224), **kwargs}

default_cfgs = generate_default_cfgs({
    'resnet18.untrained': _cfg(input_size=(3, 999, 999)),
    'resnet18.first_in1k': _cfg(hf_hub_id='timm/', input_size=(3, 65, 65), num_classes=11),
    'resnet18.second_in1k': _cfg(hf_hub_id='timm/', input_size=(3, 888, 888)),
    'resnet34.first_in1k': _cfg(url='x', input_size=(3, 777, 777)),
    'resnet34.second_in1k*': _cfg(input_size=(1, 96, 96), num_classes=0),
    'resnet51q.untrained': _cfg(),
    'resnet_while.untrained': _cfg(),
})

@register_model
def resnet18(pretrained=False, **kwargs):
    return build_model_with_cfg(ResNet, 'resnet18', pretrained, **dict(dict(block=BasicBlock, layers=(2, 2, 2, 2)), **kwargs))

@register_model
def resnet34(pretrained=False, **kwargs):
    return build_model_with_cfg(ResNet, 'resnet34', pretrained, block=BasicBlock, layers=(3, 4, 6, 3))

@register_model
def resnet51q(pretrained=False, **kwargs):
    return build_model_with_cfg(ResNet, 'resnet51q', pretrained, block=BasicBlock, layers=(1, 1, 1, 1), stem_type='quad')

@register_model
def resnet_while(pretrained=False, **kwargs):
    while True:
        pass

@register_model
def resnet_bare(pretrained=False, **kwargs):
    return build_model_with_cfg(ResNet, 'resnet_bare', pretrained, block=BasicBlock, layers=(1, 1, 1, 1))
"""  # noqa: E501
VIT = "@register_model\ndef vit_tiny(pretrained=False, **kwargs):\n    return build_model_with_cfg(ViT)\n"


@pytest.fixture
def timm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package `timm`, which raises where it is imported."""
    folder = tmp_path / "site" / "timm"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('timm is imported')\n", encoding="utf-8")
    for name, text in (("_efficientnet_builder", BUILDER), ("resnet", RESNET), ("vit", VIT)):
        (folder / "models" / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


@pytest.fixture
def no_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalesearch.export.timm_model.find_spec", lambda _: None)


@pytest.mark.usefixtures("timm")
def test_a_model_is_its_class_at_the_side_of_its_default_settings() -> None:
    """That of the first tag with weights, or of one with a star; a model without a classifier gets 1000 classes."""
    found = load_timm("timm:resnet18")
    ours = load_baseline("resnet18").architecture
    assert (found.name, found.source) == ("timm-resnet18", "timm, models/resnet.py, resnet18")
    assert (found.architecture.resolution, found.architecture.classes) == (65, 11)
    same = replace(ours, resolution=65, head=replace(ours.head, classes=11))
    assert same_network(found.architecture) == same_network(same)
    grey = load_timm("timm:resnet34").architecture
    assert (grey.resolution, grey.in_channels, grey.classes) == (96, 1, 1000)
    assert parse_baseline(baseline_text(found), "x") == found
    assert "timm" not in sys.modules


@pytest.mark.usefixtures("timm")
def test_every_place_that_takes_a_network_takes_it(tmp_path: Path) -> None:
    found = load_timm("timm:resnet18")
    assert load_definition("timm:resnet18") == load_stage_baseline("timm:resnet18", tmp_path) == found
    assert notebook_baseline("timm:resnet18").cost().params == cost(found.architecture).params
    assert load_timm("timm:resnet18.second_in1k") == found
    assert not is_factory("timm:resnet18")
    assert is_factory("tim:resnet18")


REFUSED = {
    "resnet51q": "stem_type is 'quad', but it must be ",
    "resnet_while": "timm's resnet.py is not understood (line ",
    "resnet_bare": "timm's resnet.py is not understood (default_cfgs has no resnet_bare)",
    "resnet19": "has no such model; did you mean resnet18?",
    "": "has no such model",
    "vit_tiny": "is of timm's vit.py, which is not read; the models of efficientnet.py",
}


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize("model", REFUSED)
def test_the_first_thing_that_is_not_understood_is_named(model: str) -> None:
    with pytest.raises(InputError, match=rf"^timm:{model}: [^\n]*$") as error:
        load_timm(f"timm:{model}")
    assert REFUSED[model] in str(error.value)
    assert error.value.exit_code == 2


def test_an_installation_without_sources_is_refused(timm: Path) -> None:
    (timm / "models" / "resnet.py").write_text("def broken(:\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^timm:resnet18: timm .* has no such model"):
        load_timm("timm:resnet18")
    (timm / "models").rename(timm / "moved")
    with pytest.raises(InputError, match=r"^timm:resnet18: timm at .* has no sources in models/; pip install"):
        load_timm("timm:resnet18")


@pytest.mark.usefixtures("no_timm")
def test_without_timm_the_extra_is_named(tmp_path: Path) -> None:
    for load in (load_timm, load_definition, lambda name: load_stage_baseline(name, tmp_path)):
        with pytest.raises(InputError, match=r"^timm:resnet50d: timm is not installed; pip install 'scalesearch\["):
            load("timm:resnet50d")


@pytest.mark.usefixtures("timm")
def test_a_study_keeps_the_definition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where timm is gone, the same command has the baseline that the study has recorded, for any multiple of px."""
    found = load_timm("timm:resnet18")
    folder = tmp_path / "results" / "a-study"
    config = StudyConfig(with_multiple(found, 5), Decimal(1), BUDGETS["smoke"])
    open_or_create(Study(folder, Plan(config, DATA), {}, "grid"))
    (tmp_path / "results" / "broken").mkdir()
    (tmp_path / "results" / "broken" / "study.json").write_text("{", encoding="utf-8")
    assert "timm-resnet18" in (folder / "study.json").read_text()
    monkeypatch.setattr("scalesearch.export.timm_model.find_spec", lambda _: None)
    assert load_stage_baseline("timm:resnet18", tmp_path / "results") == found
    for name, results in (("timm:resnet34", "results"), ("timm:resnet18", "others")):
        with pytest.raises(InputError, match="timm is not installed"):
            load_stage_baseline(name, tmp_path / results)
