"""Definitions as people have them, and every way in which one is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from mangled import read_mangled

from scalesearch.design.architecture import Head, Stage, Stem
from scalesearch.design.baselines import load_baseline
from scalesearch.errors import InputError
from scalesearch.export.import_definition import read_network
from scalesearch.export.library_rules import same_network

# timm `models/efficientnet.py`, `_gen_efficientnet`, and torchvision `models/efficientnet.py`: the numbers.
TIMM_B0 = """
arch_def = [
    ['ds_r1_k3_s1_e1_c16_se0.25'],
    ['ir_r2_k3_s2_e6_c24_se0.25'],
    ['ir_r2_k5_s2_e6_c40_se0.25'],
    ['ir_r3_k3_s2_e6_c80_se0.25'],
    ['ir_r3_k5_s1_e6_c112_se0.25'],
    ['ir_r4_k5_s2_e6_c192_se0.25'],
    ['ir_r1_k3_s1_e6_c320_se0.25'],
]
kwargs = dict(act_layer='swish', norm_layer=partial(nn.BatchNorm2d, eps=1e-3), drop_rate=0.2)
"""
TORCHVISION_V2_S = """
inverted_residual_setting = [
    FusedMBConvConfig(1, 3, 1, 24, 24, 2),
    FusedMBConvConfig(4, 3, 2, 24, 48, 4),
    FusedMBConvConfig(4, 3, 2, 48, 64, 4),
    MBConvConfig(4, 3, 2, 64, 128, 6),
    MBConvConfig(6, 3, 1, 128, 160, 9),
    MBConvConfig(expand_ratio=6, kernel=3, stride=2, input_channels=160, out_channels=256, num_layers=15),
]
settings = dict(last_channel=1280, norm_layer=partial(nn.BatchNorm2d, eps=0.001))
input_size = (3, 384, 384)
"""


def test_timms_b0_is_ours() -> None:
    assert read_network(TIMM_B0, "x") == load_baseline("b0").architecture


def test_timms_mnasnet_says_noskip_where_nothing_could_be_skipped() -> None:
    rows = (
        "ds_r1_k3_s1_c16_noskip ir_r3_k3_s2_e3_c24 ir_r3_k5_s2_e3_c40 ir_r3_k5_s2_e6_c80 ir_r2_k3_s1_e6_c96 "
        "ir_r4_k5_s2_e6_c192 ir_r1_k3_s1_e6_c320_noskip"
    )
    found = same_network(read_network(f"arch_def = {[[one] for one in rows.split()]}", "x"))
    ours = same_network(load_baseline("mnasnet").architecture)
    assert (found.stem, found.stages, found.head) == (ours.stem, ours.stages, ours.head)


def test_torchvisions_partial_rows() -> None:
    text = TORCHVISION_V2_S.replace(" MBConvConfig(", " row(")
    assert read_network("row = partial(MBConvConfig, width_mult=1.0, depth_mult=1.0)\n" + text, "x") == (
        load_baseline("efficientnet_v2_s").architecture
    )


def test_torchvisions_v2_s_is_ours() -> None:
    assert read_network(TORCHVISION_V2_S, "x") == load_baseline("efficientnet_v2_s").architecture


def test_the_libraries_defaults_hold_where_nothing_is_said() -> None:
    found = read_network("arch_def = [['cn_r1_k3_s1_c16'], ['dsa_r2_k3_s2_c32', 'ir_r1_k5_s1_e6_c32']]", "x")
    assert found.stem == Stem(3, 2, 32)
    assert found.head == Head(1280, 1000)
    assert (found.resolution, found.activation, float(found.batch_norm_eps)) == (224, "relu", 1e-5)
    assert [stage.kind for stage in found.stages] == ["conv", "depthwise_separable", "inverted_residual"]
    rows = "rows = [MBConvConfig(1, 3, 1, 32, 16, 1)]"
    assert read_network(rows, "x").head == Head(64, 1000)


def test_universal_bottlenecks_with_and_without_gates() -> None:
    """An `ir` without expansion has its first convolution in timm, as a `uir` has."""
    found = read_network(
        "arch_def = [['uir_r2_a3_k5_s2_e4_c24_se0.25', 'uir_r1_a0_k0_s1_e2_c24', 'ir_r1_k3_s1_e1_c24_se0.5_nhs']]",
        "x",
    )
    quarter, half = Decimal("0.25"), Decimal("0.5")
    assert found.stages == (
        Stage("uib", 5, 2, 4, 24, 2, quarter, start_kernel=3),
        Stage("uib", 1, 1, 2, 24, 1),
        Stage("uib", 3, 1, 1, 24, 1, half, activation="hard_swish"),
    )


def test_resnets_of_both_libraries() -> None:
    ours = same_network(load_baseline("resnet50").architecture)
    for text in (
        "net = timm.models.resnet.ResNet(Bottleneck, [3, 4, 6, 3])",
        "def resnet50():\n    return ResNet(block=Bottleneck, layers=(3, 4, 6, 3), num_classes=1000)",
    ):
        assert same_network(read_network(text, "x")) == ours
    wide = read_network("ResNet(Bottleneck, [3, 4, 6, 3], width_per_group=128)", "x")
    assert {stage.expansion for stage in wide.stages} == {2}


def test_mobilenets_multiplier() -> None:
    rows = "[[1, 16, 1, 1], [6, 24, 2, 2]]"
    found = read_network(f"MobileNetV2(width_mult=1.4, inverted_residual_setting={rows})", "x")
    assert found.widths == (48, 24, 32, 1792)  # torchvision's _make_divisible of 44.8, 22.4, 33.6, 1792


GOOD_ROWS = "[['ds_r1_k3_s1_e1_c16']]"
BAD = [
    ("", 1, "no network"),
    ("x = (", 1, "is not Python"),
    ("\0", 1, "not Python"),
    ("x = 1\nfor y in z: pass", 2, "only assignments, calls and functions"),
    ("\ndef net(depth=1.0, width=1.0, resolution=32):\n    return 1 + 2", 2, "give MODULE:net as a baseline"),
    ("x = 1 + 2", 1, "neither a number, string, list nor call"),
    ("arch_def = open('x').read()", 1, "is not a plain name"),
    ("arch_def = [['ds_r1_k3_s1_e1_c16']]\narch_def = []", 2, "assigned twice"),
    ("arch_def = 3", 1, "must be a list of lists of strings"),
    ("arch_def = [[\n3]]", 2, "must be a list of lists of strings"),
    ("arch_def = ['ds_r1_k3_s1_e1_c16']", 1, "must be a list of lists of strings"),
    ("arch_def = []", 1, "there is no stage"),
    ("arch_def = [\n['xy_r1_k3_s1_c16']]", 2, "'xy' is not understood; blocks are ir, er, ds, dsa, cn and uir"),
    ("arch_def = [\n\n['ir_r1_k3.5_s1_e1_c16_se0.25']]", 3, "even without expansion"),
    ("arch_def = [['er_r1_k3_s1_c16']]", 1, "e is missing"),
    ("arch_def = [['er_r1_k3_s1_e0.5_c16']]", 1, "expansion is 0.5, but it must be in 1 … 64"),
    ("arch_def = [['cn_r1_k3.5_s1_c16']]", 1, "3.5 must be a whole number"),
    ("arch_def = [['ir_r1_k3.5.9999999999_s1_e6_c16']]", 1, "k has too many digits"),
    ("arch_def = [['ir_r1_k3_s1_e6_c16_nmi']]", 1, "'nmi' is not understood"),
    ("arch_def = [['ir_r1_k3_s1_e6_c16_nre_nhs']]", 1, "has two activations; keep one"),
    ("MobileNetV3([['ir_r1_k3_s1_e6_c16_se0.25']])", 1, "without se_layer is no gate here"),
    (
        "MobileNetV3([['ir_r1_k3_s1_e6_c16_se0.25']],\n  se_layer=partial(SqueezeExcite, gate_layer='sigmoid'))",
        2,
        "but it must be partial(SqueezeExcite, gate_layer='hard_sigmoid'), with or without",
    ),
    (
        "arch_def = [['ir_r1_k3_s1_e6_c16']]\nx = dict(\n  se_layer=partial(SqueezeExcite, gate_layer='sigmoid'))",
        3,
        "beside a bare list, which stands for timm's EfficientNet; for a MobileNetV3 write its call",
    ),
    ("MobileNetV3([['ir_r1_k3_s1_e6_c16']], head_bias=0)", 1, "head_bias is 0, but it must be True or False"),
    ("arch_def = [['ds_r2_k3_s1_c16_noskip_skip']]", 1, "has both skip and noskip"),
    ("arch_def = [['er_r1_k3_s1_e1.2_c16_fc24']]", 1, "fc24: 32 inner channels of 32 are no expansion here"),
    ("arch_def = [['ir_r1_k3_s1_e6_c16_c16']]", 1, "once each"),
    ("arch_def = [['ir_r1_k3_s1_e6_c16_cc4']]", 1, "'cc4' is not understood"),
    ("arch_def = [['ir_r1_k3_s1_e6_c16_a3']]", 1, "the other convolutions are 1×1"),
    ("arch_def = [['ir_r1_s1_e6_c16']]", 1, "k is missing"),
    ("arch_def = [['ds_r1_k3_s1_e4_c16']]", 1, "ds has no expansion"),
    ("arch_def = [['cn_r1_k3_s1_c16_se0.25']]", 1, "a cn with se is no kind here"),
    ("arch_def = [['ir_r1_k4_s1_e6_c16']]", 1, "kernel is 4"),
    ("arch_def = [['ir_r1_k3_s1_e6_c16_se99999999999']]", 1, "too many digits"),
    ("arch_def = [['ds_r1_k3_s1_c16', 'ds_r1_k3_s2_c16']]", 1, "only the first string of a list may have a stride"),
    ("arch_def = [['ds_r1_k3_s3_c16']]", 1, "strides multiply to 6"),
    ("arch_def = [" + "['ds_r1_k3_s2_c16']," * 6 + "]", 1, "beyond output_stride 32"),
    ("arch_def = [['ds_r1_k3_s1_c12']]", 1, "timm rounds 12 channels to 16; give round_chs_fn=int"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(stem_size=20)", 2, "timm rounds 20 channels to 24"),
    ("arch_def = [['ds_r1_k3_s1_c12'], ['ir_r1_k3_s1_e3_c8']]\nkw=dict(round_chs_fn=int)", 1, "widens 12 channels"),
    ("arch_def = [['ds_r1_k3_s1_c16_se0.24']]", 1, "timm squeezes to 8 channels, but 7 here"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(stem_size='x')", 2, "stem_size is 'x', but it must be a whole number"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(stem_size=1e999)", 2, "stem_size is inf, but it must be a whole number"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(stem_size=True)", 2, "stem_size is True, but it must be a whole number"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(stem_size=0)", 2, "width is 0"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(\n  speed=3)", 3, "speed is not understood"),
    (
        f"arch_def = {GOOD_ROWS}\nkw = dict(act_layer='mish')",
        2,
        "must be one of SiLU, ReLU, ReLU6, Hardswish, GELU",
    ),
    (
        f"arch_def = {GOOD_ROWS}\nkw = dict(norm_layer=nn.LayerNorm)",
        2,
        "norm_layer is LayerNorm, but it must be BatchNorm2d",
    ),
    (
        f"arch_def = {GOOD_ROWS}\nkw = dict(norm_layer=partial(nn.BatchNorm2d, eps=x))",
        2,
        "eps is x, but it must be a number",
    ),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(pad_type='valid')", 2, "pad_type is 'valid', but it must be '' or 'same'"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(round_chs_fn=partial(round, multiplier=1.4))", 2, "round_chs_fn"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(fix_stem=1)", 2, "fix_stem is 1, but it must be True or False"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(**other)", 2, "write the arguments out"),
    (f"arch_def = {GOOD_ROWS}\nkw = dict(a=1, a=2)", 2, "a stands twice"),
    (f"arch_def = {GOOD_ROWS}\nkw = {{3: 1}}", 2, "keys must be words"),
    (f"arch_def = {GOOD_ROWS}\na = dict()\nb = dict()", 3, "is a second dict"),
    (f"EfficientNet(decode_arch_def({GOOD_ROWS}))\nResNet(Bottleneck, [1, 1, 1, 1])", 2, "is a second network"),
    (f"EfficientNet(decode_arch_def({GOOD_ROWS}), 9, 8, 7)", 1, "more arguments than are understood"),
    (f"EfficientNet(decode_arch_def({GOOD_ROWS}), 9, num_classes=9)", 1, "num_classes is given twice"),
    (
        f"EfficientNet(decode_arch_def({GOOD_ROWS}, (1.2, 1.3)))",
        1,
        "depth_multiplier must be a number, or one for each of the 1 lists",
    ),
    (f"input_size = (3, 20)\narch_def = {GOOD_ROWS}", 1, "input_size must be (channels, height, width)"),
    (f"input_size = (3, 20, 0)\narch_def = {GOOD_ROWS}", 1, "resolution is 0, but it must be in 1"),
    (f"input_size = 3\narch_def = {GOOD_ROWS}", 1, "must be a list"),
    (f"input_size = (3, 99999, 99999)\narch_def = {GOOD_ROWS}", 1, "resolution is 99999"),
    ("rows = [MBConvConfig(6, 3, 1, 32, 16)]", 1, "num_layers must be a whole number"),
    ("rows = [MBConvConfig(6, 3, 1, 32, 16, 1, 1.1)]", 1, "width_mult: write the scaled numbers"),
    ("rows = [MBConvConfig(6, 3, 3, 32, 16, 1)]", 1, "strides are 1 and 2, not 3"),
    (
        "rows = [MBConvConfig(6, 3, 1, 32, 16, 1),\nMBConvConfig(6, 3, 1, 24, 16, 1)]",
        2,
        "the row takes 24 channels",
    ),
    ("rows = [MBConvConfig(6, 3, 1, 32, 12, 1)]", 1, "torchvision rounds 12 channels to 16"),
    ("rows = [CNBlockConfig(96, 192, 3)]", 1, "rows must be MBConvConfig or FusedMBConvConfig"),
    ("MobileNetV2(inverted_residual_setting=[[1, 16, 1]])", 1, "a row must be"),
    ("MobileNetV2(inverted_residual_setting=[[1, 16, 1, 3]])", 1, "strides are 1 and 2"),
    ("MobileNetV2(width_mult=0, inverted_residual_setting=[[1, 16, 1, 1]])", 1, "width_mult must be"),
    ("MobileNetV2(inverted_residual_setting=[])", 1, "inverted_residual_setting must be a list"),
    ("ResNet(Bottle, [3, 4, 6, 3])", 1, "block is Bottle, but it must be one of BasicBlock, Bottleneck"),
    ("ResNet(Bottleneck, [3, 4, 6])", 1, "four stages"),
    ("ResNet(BasicBlock, [3, 4, 6, 3], base_width=128)", 1, "be 64 with BasicBlock"),
    ("ResNet(BasicBlock, [3, 4, 6, 3], cardinality=32)", 1, "BasicBlock has no groups"),
    ("ResNet(Bottleneck, [3, 4, 6, 3], cardinality=32, base_width=5)", 1, "must divide 256 or be a multiple of it"),
    (
        "ResNet(Bottleneck, [3, 4, 6, 3], cardinality=32, base_width=4, channels=[40, 80, 160, 320])",
        1,
        "a group of every stage must have whole channels",
    ),
]


@pytest.mark.parametrize(("text", "line", "reason"), BAD, ids=[f"{i}" for i in range(len(BAD))])
def test_what_is_not_understood_is_one_line_with_its_place(text: str, line: int, reason: str) -> None:
    with pytest.raises(InputError) as error:
        read_network(text, "file.py")
    assert str(error.value).startswith(f"file.py:{line}: ")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_no_text_brings_the_reader_down() -> None:
    """Good definitions with random characters changed: read, or refused in one line."""
    letters = "()[]{}'\"=,._*:0123456789abcdefirskxn \n\\\0\u2028é-"
    read, _ = read_mangled((TIMM_B0, TORCHVISION_V2_S), letters, count=1500, most_changes=4)
    assert 20 < read < 1400
    for deep in (
        "[" * 5000,
        "x = " + "[" * 90 + "]" * 90,
        "-" * 20000 + "1",
        "a" + ".b" * 20000,
        "x = " + "f(" * 3000,
    ):
        with pytest.raises(InputError):
            read_network(deep, "file.py")


def test_a_refused_value_is_named_on_one_short_line() -> None:
    for value, said in (
        ("[1, [2, [3]]]", "[1, [2, […]]]"),
        ("dict(a='x', b=partial(f, g(h(1)), c=2))", "dict(a='x', b=partial(f, g(…), c=2))"),
        ("'\\n'", r"'\n'"),
        (f"'{'x' * 99}'", f"'{'x' * 58}…"),
    ):
        with pytest.raises(InputError) as error:
            read_network(f"ResNet(BasicBlock, [1, 1, 1, 1], act_layer={value})", "x")
        assert str(error.value).startswith(f"x:1: act_layer is {said}, but it must be one of SiLU")
