"""The reader of timm's sources follows what their functions do, and its tables add up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts import page, script

BUILDER = (
    "def resolve_act_layer(kwargs, default='relu'):\n    return get_act_layer(kwargs.pop('act_layer', default))\n"
)
FAMILY = """
model_cfgs = dict(one=RegNetCfg(w0=24, wa=24.48, wm=2.54, group_size=16, depth=22))
for k in ('one',):
    model_cfgs[k + '_se'] = replace(model_cfgs[k], se_ratio=0.25)

def _create(variant, pretrained=False, **kwargs):
    cfg = model_cfgs[variant]
    return build_model_with_cfg(RegNet, variant, pretrained, model_cfg=cfg, feature_cfg=dict(), **kwargs)

def _gen(variant, width=1.0, **kwargs):
    chs = [16 * i for i in range(1, 3)]
    rows = [[f'cn_r1_k3_s1_c{c}'] for c in chs]
    if 'wide' in variant:
        width = max(width, 2)
    round_chs_fn = partial(round_channels, multiplier=width)
    model_kwargs = dict(
        block_args=decode_arch_def(rows),
        num_features=round_chs_fn(100),
        act_layer=resolve_act_layer(kwargs, 'swish'),
        norm_layer=kwargs.pop('norm_layer', None) or partial(nn.BatchNorm2d, eps=1e-3),
        **kwargs,
    )
    return build_model_with_cfg(EfficientNet, variant, **model_kwargs)

@register_model
def one_se(pretrained=False, **kwargs):
    return _create('one_se', pretrained, **kwargs)

@register_model
def wide(pretrained=False, **kwargs):
    kwargs.setdefault('pad_type', '')
    model = _gen('wide', pretrained=pretrained, **kwargs)
    return model

@register_model
def unknown(pretrained=False, **kwargs):
    while True:
        pass
"""


def test_a_function_becomes_the_call_that_it_ends_in(tmp_path: Path) -> None:
    corpus = script("timm_corpus")
    (tmp_path / "_efficientnet_builder.py").write_text(BUILDER, encoding="utf-8")
    (tmp_path / "family.py").write_text(FAMILY, encoding="utf-8")
    source = corpus.Source(tmp_path, "family")
    first, second, third = source.registered
    assert corpus.text_of(source.network(first)) == (
        "RegNet(cfg=RegNetCfg(w0=24, wa=24.48, wm=2.54, group_size=16, depth=22, se_ratio=0.25))"
    )
    assert corpus.text_of(source.network(second)) == (
        "EfficientNet(block_args=decode_arch_def([['cn_r1_k3_s1_c16'], ['cn_r1_k3_s1_c32']]), num_features=200, "
        "act_layer='swish', norm_layer=partial(nn.BatchNorm2d, eps=0.001), pad_type='')"
    )
    with pytest.raises(corpus.NotFollowedError, match="While is not followed"):
        source.network(third)


def test_outcomes() -> None:
    corpus = script("timm_corpus")
    text = "ResNet(block=BasicBlock, layers=(2, 2, 2, 2){})\n"
    assert corpus.outcome_of(text.format(""), 11689512) == corpus.EXACT
    assert corpus.outcome_of(text.format(""), 11689513) == corpus.DIFFERS
    assert corpus.outcome_of(text.format(", down_kernel_size=3"), 1) == (
        "down_kernel_size: a shortcut's convolution is 1×1 here"
    )
    strings = "EfficientNet(decode_arch_def([['cn_r1_k3.5_s1_c16']]))\n"
    assert corpus.outcome_of(strings, 1) == "3.5 must be a whole number"


def test_the_tables_in_the_docs_add_up() -> None:
    corpus = script("timm_corpus")
    numbers = [
        [int(one) for one in re.findall(r"\d+", row)]
        for row in re.findall(r"\| timm `\w+\.py` (.*)", page("export"))
    ]
    counts = corpus.read_counts()
    assert sum(row[0] for row in numbers) == len(counts) == 359
    assert all(row[0] == sum(row[1:]) for row in numbers)
    total = re.search(r"\| all \| (\d+) \| (\d+) \((\d+) %\) \| (\d+) \|", page("export"))
    assert total is not None
    exact = sum(row[1] for row in numbers)
    assert [int(one) for one in total.groups()] == [
        len(counts),
        exact,
        round(100 * exact / len(counts)),
        sum(row[2] for row in numbers),
    ]
    reasons = page("export").partition("| reason | networks | such as |")[2]
    found = [int(one) for one in re.findall(r"^\| .* \| (\d+) \| `\w+` \|$", reasons, re.MULTILINE)]
    assert sum(found) == len(counts) - exact
