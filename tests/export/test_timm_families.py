"""Definitions of timm's families as its registered functions make them, with the parameters that timm counts.

Each text has the numbers of the function in timm 1.0.31 that it is named after; `benchmarks/timm_corpus.py` reads
all registered functions.
"""

from __future__ import annotations

import csv
from random import Random

import pytest
from mangled import read_mangled
from networks import FIXTURES

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.export.import_definition import read_network
from scalesearch.export.library_rules import make_divisible, same_network
from scalesearch.export.read_regnet import linear_widths
from scalesearch.export.timm_scaling import scaled_depths

with (FIXTURES / "timm_params.csv").open(encoding="utf-8", newline="") as file:
    PARAMS = {row["model"]: int(row["params"]) for row in csv.DictReader(file)}
"""The parameters of every registered network, counted by timm 1.0.31 itself."""

B_ROWS = (
    "ds_r1_k3_s1_e1_c16_se0.25 ir_r2_k3_s2_e6_c24_se0.25 ir_r2_k5_s2_e6_c40_se0.25 ir_r3_k3_s2_e6_c80_se0.25 "
    "ir_r3_k5_s1_e6_c112_se0.25 ir_r4_k5_s2_e6_c192_se0.25 ir_r1_k3_s1_e6_c320_se0.25"
)
V2_ROWS = (
    "ds_r1_k3_s1_c16 ir_r2_k3_s2_e6_c24 ir_r3_k3_s2_e6_c32 ir_r4_k3_s2_e6_c64 ir_r3_k3_s1_e6_c96 "
    "ir_r3_k3_s2_e6_c160 ir_r1_k3_s1_e6_c320"
)
FBNET_ROWS = [
    ["ir_r1_k3_s1_e1_c16"],
    ["ir_r1_k3_s2_e6_c24", "ir_r2_k3_s1_e1_c24"],
    ["ir_r1_k5_s2_e6_c32", "ir_r1_k5_s1_e3_c32", "ir_r1_k5_s1_e6_c32", "ir_r1_k3_s1_e6_c32"],
    ["ir_r1_k5_s2_e6_c64", "ir_r1_k5_s1_e3_c64", "ir_r2_k5_s1_e6_c64"],
    ["ir_r3_k5_s1_e6_c112", "ir_r1_k5_s1_e3_c112"],
    ["ir_r4_k5_s2_e6_c184"],
    ["ir_r1_k3_s1_e6_c352"],
]
V4_ROWS = [
    ["cn_r1_k3_s2_e1_c32", "cn_r1_k1_s1_e1_c32"],
    ["cn_r1_k3_s2_e1_c96", "cn_r1_k1_s1_e1_c64"],
    ["uir_r1_a5_k5_s2_e3_c96", "uir_r4_a0_k3_s1_e2_c96", "uir_r1_a3_k0_s1_e4_c96"],
    [
        "uir_r1_a3_k3_s2_e6_c128",
        "uir_r1_a5_k5_s1_e4_c128",
        "uir_r1_a0_k5_s1_e4_c128",
        "uir_r1_a0_k5_s1_e3_c128",
        "uir_r2_a0_k3_s1_e4_c128",
    ],
    ["cn_r1_k1_s1_c960"],
]
GHOST_ROWS = [
    [[3, 16, 16, 0, 1]],
    [[3, 48, 24, 0, 2]],
    [[3, 72, 24, 0, 1]],
    [[5, 72, 40, 0.25, 2]],
    [[5, 120, 40, 0.25, 1]],
    [[3, 240, 80, 0, 2]],
    [[3, 200, 80, 0, 1], *[[3, 184, 80, 0, 1]] * 2, [3, 480, 112, 0.25, 1], [3, 672, 112, 0.25, 1]],
    [[5, 672, 160, 0.25, 2]],
    [[5, 960, 160, 0, 1], [5, 960, 160, 0.25, 1]] * 2,
]


def scaled_b(width: float, depth: float, features: int) -> str:
    """The definition of an EfficientNet-B, from B0's strings and its two multipliers."""
    rows = [[row] for row in B_ROWS.split()]
    return (
        f"EfficientNet(decode_arch_def({rows}, {depth}), num_features={features}, act_layer='swish', "
        f"round_chs_fn=partial(round_channels, multiplier={width}, divisor=8))"
    )


def mobilenet_v2(width: float, depth: float, keywords: str = "") -> str:
    rows = [[row] for row in V2_ROWS.split()]
    return (
        f"EfficientNet(block_args=decode_arch_def({rows}, depth_multiplier={depth}, "
        f"fix_first_last={bool(keywords)}), num_features=1280, "
        f"round_chs_fn=partial(round_channels, multiplier={width}), "
        f"act_layer='relu6'{keywords})"
    )


def mobilenet_v4(width: float, fixed: bool) -> str:
    return (
        f"MobileNetV3(decode_arch_def({V4_ROWS}), head_bias=False, head_norm=True, stem_size=32, fix_stem={fixed}, "
        f"round_chs_fn=partial(round_channels, multiplier={width}), act_layer='relu', layer_scale_init_value=None)"
    )


def repvgg(depths: tuple[int, ...], factors: tuple[float, ...], stem: int) -> str:
    sizes = zip(depths, (64, 128, 256, 512), factors, strict=True)
    blocks = ", ".join(f"ByoBlockCfg(type='rep', d={depth}, c={width * factor})" for depth, width, factor in sizes)
    return f"ByobNet(cfg=ByoModelCfg(blocks=({blocks}), stem_type='rep', stem_chs={stem}))"


def ts_resnet(keywords: str) -> str:
    """The definition of a ResNet of a tiered stem and SiLU, with bottlenecks."""
    sizes = zip((2, 3, 3, 2), (256, 512, 1536, 1536), (1, 2, 2, 2), strict=True)
    blocks = ", ".join(f"ByoBlockCfg('bottle', d={d}, c={c}, s={s}, gs=0, br=0.25)" for d, c, s in sizes)
    return f"ByobNet(ByoModelCfg(({blocks}), stem_chs=64, stem_type='tiered', act_layer='silu', {keywords}))"


def edge_tpu(width: float, depth: float, features: int) -> str:
    rows = (
        "[['er_r1_k3_s1_e4_c24_fc24_noskip'], ['er_r2_k3_s2_e8_c32'], ['er_r4_k3_s2_e8_c48'], "
        "['ir_r5_k5_s2_e8_c96'], ['ir_r4_k5_s1_e8_c144'], ['ir_r2_k5_s2_e8_c192']]"
    )
    return (
        f"EfficientNet(decode_arch_def({rows}, {depth}), num_features={features}, "
        f"round_chs_fn=partial(round_channels, multiplier={width}))"
    )


MIXNET_ROWS = (
    "[['ds_r1_k3_s1_e1_c16'], ['ir_r1_k3_a1.1_p1.1_s2_e6_c24', 'ir_r1_k3_a1.1_p1.1_s1_e3_c24'], "
    "['ir_r1_k3.5.7_s2_e6_c40_se0.5_nsw', 'ir_r3_k3.5_a1.1_p1.1_s1_e6_c40_se0.5_nsw'], "
    "['ir_r1_k3.5.7_p1.1_s2_e6_c80_se0.25_nsw', 'ir_r2_k3.5_p1.1_s1_e6_c80_se0.25_nsw'], "
    "['ir_r1_k3.5.7_a1.1_p1.1_s1_e6_c120_se0.5_nsw', 'ir_r2_k3.5.7.9_a1.1_p1.1_s1_e3_c120_se0.5_nsw'], "
    "['ir_r1_k3.5.7.9.11_s2_e6_c200_se0.5_nsw', 'ir_r2_k3.5.7.9_p1.1_s1_e6_c200_se0.5_nsw']]"
)


def mixnet(width: float) -> str:
    rounding = f"partial(round_channels, multiplier={width})"
    return f"EfficientNet(decode_arch_def({MIXNET_ROWS}), num_features=1536, stem_size=16, round_chs_fn={rounding})"


FBNET_V3_ROWS = (
    "[['ds_r3_k3_s1_e1_c24'], ['ir_r1_k5_s2_e4_c40', 'ir_r4_k5_s1_e2_c40'], "
    "['ir_r1_k5_s2_e4_c56_se0.25', 'ir_r4_k5_s1_e3_c56_se0.25'], ['ir_r1_k5_s2_e5_c104', 'ir_r4_k3_s1_e3_c104'], "
    "['ir_r1_k3_s1_e5_c160_se0.25', 'ir_r8_k5_s1_e3_c160_se0.25'], "
    "['ir_r1_k3_s2_e6_c264_se0.25', 'ir_r6_k5_s1_e5_c264_se0.25', 'ir_r2_k5_s1_e6_c288_se0.25'], "
    "['cn_r1_k1_s1_c1728']]"
)


def fbnet_v3(rows: str, features: int, stem: int) -> str:
    rounding = "partial(round_channels, multiplier=1.0, round_limit=0.95)"
    gate = f"partial(SqueezeExcite, gate_layer='hard_sigmoid', rd_round_fn={rounding})"
    return (
        f"MobileNetV3({rows}, num_features={features}, head_bias=False, stem_size={stem}, se_from_exp=False, "
        f"round_chs_fn={rounding}, act_layer='hard_swish', se_layer={gate})"
    )


def lcnet(width: float) -> str:
    rows = (
        "[['dsa_r1_k3_s1_c32'], ['dsa_r2_k3_s2_c64'], ['dsa_r2_k3_s2_c128'], "
        "['dsa_r1_k3_s2_c256', 'dsa_r1_k5_s1_c256'], ['dsa_r4_k5_s1_c256'], ['dsa_r2_k5_s2_c512_se0.25']]"
    )
    return (
        f"MobileNetV3(decode_arch_def({rows}), round_chs_fn=partial(round_channels, multiplier={width}), "
        "act_layer='hard_swish', "
        "se_layer=partial(SqueezeExcite, gate_layer='hard_sigmoid', force_act_layer=nn.ReLU))"
    )


INVERTED = "block_kwargs=dict(bottle_in=True, linear_out=True)"


def genet(rows: tuple[tuple[str, int, int, int, int, float], ...], stem: int, features: int) -> str:
    blocks = ", ".join(f"ByoBlockCfg('{t}', d={d}, c={c}, s={s}, gs={gs}, br={br})" for t, d, c, s, gs, br in rows)
    return f"ByobNet(ByoModelCfg([{blocks}], stem_chs={stem}, stem_pool=None, num_features={features}))"


def regnetz(stem: str, sizes: tuple[tuple[int, int, int, int, int], ...], features: int) -> str:
    blocks = ", ".join(f"ByoBlockCfg('bottle', d={d}, c={c}, s={s}, gs={gs}, br={br})" for d, c, s, gs, br in sizes)
    return (
        f"ByobNet(ByoModelCfg([{blocks}], {stem}, stem_pool='', downsample='', num_features={features}, "
        "act_layer='silu', attn_layer='se', attn_kwargs=dict(rd_ratio=0.25), "
        f"{INVERTED}))"
    )


DEFINITIONS = {
    "efficientnet_b0": scaled_b(1.0, 1.0, 1280),
    "efficientnet_b1": scaled_b(1.0, 1.1, 1280),
    "efficientnet_b4": scaled_b(1.4, 1.8, 1792),
    "efficientnet_b7": scaled_b(2.0, 3.1, 2560),
    "efficientnet_l2": scaled_b(4.3, 5.3, 5504),
    "mobilenetv2_035": mobilenet_v2(0.35, 1.0),
    "mobilenetv2_120d": mobilenet_v2(1.2, 1.4, ", fix_stem=True"),
    "fbnetc_100": f"EfficientNet(decode_arch_def({FBNET_ROWS}), stem_size=16, num_features=1984)",
    "mobilenetv4_conv_small": mobilenet_v4(1.0, fixed=False),
    "mobilenetv4_conv_small_050": mobilenet_v4(0.5, fixed=True),
    "regnetx_004": "RegNet(RegNetCfg(w0=24, wa=24.48, wm=2.54, group_size=16, depth=22))",
    "regnetx_004_tv": "RegNet(RegNetCfg(w0=24, wa=24.48, wm=2.54, group_size=16, depth=22, group_min_ratio=0.9))",
    "regnetx_320": "RegNet(cfg=RegNetCfg(w0=320, wa=69.86, wm=2.0, group_size=168, depth=23))",
    "regnety_004": "RegNet(RegNetCfg(w0=48, wa=27.89, wm=2.09, group_size=8, depth=16, se_ratio=0.25))",
    "regnety_016": "RegNet(RegNetCfg(w0=48, wa=20.71, wm=2.65, group_size=24, depth=27), se_ratio=0.25)",
    "regnety_1280": "RegNet(RegNetCfg(27, 456, 160.83, 2.52, 264, se_ratio=0.25))",
    "resnet34": "ResNet(block=BasicBlock, layers=(3, 4, 6, 3))",
    "resnet152": "ResNet(block=Bottleneck, layers=(3, 8, 36, 3))",
    "wide_resnet101_2": "ResNet(block=Bottleneck, layers=(3, 4, 23, 3), base_width=128)",
    "resnext101_32x8d": "ResNet(block=Bottleneck, layers=(3, 4, 23, 3), cardinality=32, base_width=8)",
    "resnext101_64x4d": "ResNet(block=Bottleneck, layers=(3, 4, 23, 3), cardinality=64, base_width=4)",
    "resnet10t": "ResNet(BasicBlock, (1, 1, 1, 1), stem_width=32, stem_type='deep_tiered', avg_down=True)",
    "resnet50c": "ResNet(Bottleneck, (3, 4, 6, 3), stem_width=32, stem_type='deep')",
    "resnet50d": "ResNet(Bottleneck, (3, 4, 6, 3), stem_width=32, stem_type='deep', avg_down=True)",
    "resnet50s": "ResNet(Bottleneck, (3, 4, 6, 3), stem_width=64, stem_type='deep')",
    "seresnet18": "ResNet(BasicBlock, (2, 2, 2, 2), block_args=dict(attn_layer='se'))",
    "seresnext101_64x4d": (
        "ResNet(Bottleneck, (3, 4, 23, 3), cardinality=64, base_width=4, block_args=dict(attn_layer='se'))"
    ),
    "ecaresnet50t": (
        "ResNet(Bottleneck, (3, 4, 6, 3), stem_width=32, stem_type='deep_tiered', avg_down=True, "
        "block_args=dict(attn_layer='eca'))"
    ),
    "ecaresnetlight": "ResNet(Bottleneck, (1, 1, 11, 3), avg_down=True, block_args=dict(attn_layer='eca'))",
    "resnetrs50": (
        "ResNet(Bottleneck, (3, 4, 6, 3), stem_width=32, stem_type='deep', replace_stem_pool=True, avg_down=True, "
        "block_args=dict(attn_layer=partial(get_attn('se'), rd_ratio=0.25)))"
    ),
    "test_resnet": (
        "ResNet([BasicBlock, BasicBlock, Bottleneck, BasicBlock], (1, 1, 1, 1), stem_width=16, stem_type='deep', "
        "avg_down=True, channels=(32, 48, 48, 96))"
    ),
    "resnetaa50": "ResNet(Bottleneck, (3, 4, 6, 3), aa_layer=nn.AvgPool2d)",
    "resnetblur50": "ResNet(Bottleneck, (3, 4, 6, 3), aa_layer=BlurPool2d)",
    "efficientnet_blur_b0": (
        f"EfficientNet({[[row] for row in B_ROWS.split()]}, num_features=1280, aa_layer='blurpc')"
    ),
    "resnet33ts": ts_resnet("stem_pool='', num_features=1280"),
    "seresnet33ts": ts_resnet("stem_pool='', num_features=1280, attn_layer='se'"),
    "eca_resnet33ts": ts_resnet("stem_pool='', num_features=1280, attn_layer='eca'"),
    "resnext101_32x16d": "ResNet(Bottleneck, (3, 4, 23, 3), cardinality=32, base_width=16)",
    "resnext101_32x32d": "ResNet(Bottleneck, (3, 4, 23, 3), cardinality=32, base_width=32)",
    "gernet_s": genet(
        (
            ("basic", 1, 48, 2, 0, 1.0),
            ("basic", 3, 48, 2, 0, 1.0),
            ("bottle", 7, 384, 2, 0, 0.25),
            ("bottle", 2, 560, 2, 1, 3.0),
            ("bottle", 1, 256, 1, 1, 3.0),
        ),
        13,
        1920,
    ),
    "regnetz_b16": regnetz(
        "stem_chs=32", ((2, 48, 2, 16, 3), (6, 96, 2, 16, 3), (12, 192, 2, 16, 3), (2, 288, 2, 16, 3)), 1536
    ),
    "regnetz_d8": regnetz(
        "stem_chs=64, stem_type='tiered'",
        ((3, 64, 1, 8, 4), (6, 128, 2, 8, 4), (12, 256, 2, 8, 4), (3, 384, 2, 8, 4)),
        1792,
    ),
    "regnetz_005": (
        "RegNet(RegNetCfg(depth=21, w0=16, wa=10.7, wm=2.51, group_size=4, bottle_ratio=4.0, se_ratio=0.25, "
        "downsample=None, linear_out=True, num_features=1024, act_layer='silu'))"
    ),
    "lcnet_035": lcnet(0.35),
    "lcnet_150": lcnet(1.5),
    "efficientnet_em": edge_tpu(1.0, 1.1, 1280),
    "efficientnet_el": edge_tpu(1.2, 1.4, 1536),
    "mobilenet_edgetpu_v2_xs": (
        "EfficientNet(decode_arch_def([['cn_r1_k1_s1_c16'], ['er_r1_k3_s2_e8_c32', 'er_r1_k3_s1_e4_gs64_c32'], "
        "['er_r1_k3_s2_e8_c48', 'er_r1_k3_s1_e4_gs64_c48', 'er_r1_k3_s1_e4_c48', 'er_r1_k3_s1_e4_gs64_c48'], "
        "['er_r1_k3_s2_e8_c96', 'ir_r3_k3_s1_e4_c96'], ['ir_r1_k3_s1_e8_c144', 'ir_r3_k3_s1_e4_c144'], "
        "['ir_r1_k3_s2_e8_c160', 'ir_r3_k3_s1_e4_c160'], ['ir_r1_k3_s1_e8_c192']]))"
    ),
    "efficientnetv2_rw_s": (
        "EfficientNet(decode_arch_def([['er_r2_k3_s1_e1_c24'], ['er_r4_k3_s2_e4_c48'], ['er_r4_k3_s2_e4_c64'], "
        "['ir_r6_k3_s2_e4_c128_se0.25'], ['ir_r9_k3_s1_e6_c160_se0.25'], ['ir_r15_k3_s2_e6_c272_se0.25']]), "
        "num_features=1792, stem_size=24, act_layer='silu')"
    ),
    "mixnet_s": mixnet(1.0),
    "fbnetv3_g": fbnet_v3(FBNET_V3_ROWS, 1984, 32),
    "convnext_atto": "ConvNeXt(depths=(2, 2, 6, 2), dims=(40, 80, 160, 320), conv_mlp=True)",
    "convnext_nano_ols": "ConvNeXt(depths=(2, 2, 8, 2), dims=(80, 160, 320, 640), stem_type='overlap')",
    "convnext_atto_ols": "ConvNeXt(depths=(2, 2, 6, 2), dims=(40, 80, 160, 320), stem_type='overlap_tiered')",
    "convnext_tiny": "ConvNeXt()",
    "convnext_large_mlp": ("ConvNeXt(depths=[3, 3, 27, 3], dims=[192, 384, 768, 1536], head_hidden_size=1536)"),
    "convnext_xxlarge": "ConvNeXt(depths=[3, 4, 30, 3], dims=[384, 768, 1536, 3072], norm_eps=1e-5)",
    "test_convnext": "ConvNeXt(depths=[1, 2, 4, 2], dims=[24, 32, 48, 64], norm_eps=1e-5, act_layer='gelu_tanh')",
    "convnextv2_huge": (
        "ConvNeXt(depths=[3, 3, 27, 3], dims=[352, 704, 1408, 2816], use_grn=True, ls_init_value=None)"
    ),
    "repvgg_a0": repvgg((2, 4, 14, 1), (0.75, 0.75, 0.75, 2.5), 48),
    "repvgg_b3": repvgg((4, 6, 16, 1), (3.0, 3.0, 3.0, 5.0), 64),
    "ghostnet_050": f"GhostNet({GHOST_ROWS}, width=0.5)",
    "ghostnet_100": f"GhostNet(cfgs={GHOST_ROWS}, width=1.0)",
    "ghostnet_130": f"GhostNet({GHOST_ROWS}, width=1.3)",
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_has_the_parameters_that_timm_counts(name: str) -> None:
    assert cost(read_network(DEFINITIONS[name], "x")).params == PARAMS[name]


@pytest.mark.parametrize(
    ("name", "baseline"),
    [
        ("regnety_004", "regnety_400mf"),
        ("regnetx_004_tv", "regnetx_400mf"),
        ("regnety_016", "regnety_1.6gf"),
        ("convnext_tiny", "convnext_tiny"),
        ("convnext_atto", "convnext_atto"),
        ("repvgg_a0", "repvgg_a0"),
    ],
)
def test_a_definition_is_the_shipped_baseline(name: str, baseline: str) -> None:
    ours = same_network(load_baseline(baseline).architecture)
    found = same_network(read_network(DEFINITIONS[name], "x"))
    depths_free = [(stage.kind, stage.width, stage.depth, stage.stride) for stage in ours.stages]
    assert [(stage.kind, stage.width, stage.depth, stage.stride) for stage in found.stages] == depths_free
    assert (found.stem, found.stages, found.head) == (ours.stem, ours.stages, ours.head)


def test_the_order_of_the_keywords_of_a_configuration() -> None:
    """timm lays keywords of the call over those of the configuration."""
    cfg = "RegNetCfg(w0=48, wa=27.89, wm=2.09, group_size=8, depth=16, se_ratio=0.5)"
    assert read_network(f"RegNet({cfg}, se_ratio=0.25)", "x") == read_network(DEFINITIONS["regnety_004"], "x")
    positional = "RegNetCfg(16, 48, 27.89, 2.09, 8, 1.0, 0.25)"
    assert read_network(f"RegNet({positional})", "x") == read_network(DEFINITIONS["regnety_004"], "x")
    with pytest.raises(InputError, match=r"^x:1: depth is given twice"):
        read_network("RegNet(RegNetCfg(16, depth=3))", "x")


def test_widths_of_a_regnet_are_those_of_the_paper() -> None:
    """RegNetX-400MF (Radosavovic et al. 2020) has 1, 2, 7, 12 blocks of 32, 64, 160, 384 channels, groups of 16."""
    widths = linear_widths(22, 24, 24.48, 2.54)
    assert [widths.count(width) for width in sorted(set(widths))] == [1, 2, 7, 12]
    assert sorted(set(widths)) == [24, 64, 152, 392]  # the nearest whole groups of 16: 32, 64, 160, 384


def test_depths_are_shared_out_as_timm_does() -> None:
    """Sums are those of timm's rule, every string keeps one block, and a multiplier of 1 changes nothing."""
    for seed in range(300):
        random = Random(seed)
        depths = [random.randint(1, 6) for _ in range(random.randint(1, 5))]
        multiplier = random.choice((0.3, 0.9, 1.1, 1.4, 2.2, 3.1))
        assert scaled_depths(depths, 1.0, "ceil") == depths
        for rounding in ("ceil", "round"):
            scaled = scaled_depths(depths, multiplier, rounding)
            assert min(scaled) >= 1
            assert len(scaled) == len(depths)
            if len(depths) == 1:
                exact = depths[0] * multiplier
                assert abs(scaled[0] - max(exact, 1)) < 1
    assert scaled_depths([1, 4], 1.4, "ceil") == [1, 6]
    assert scaled_depths([2], 1.2, "ceil") == [3]
    assert scaled_depths([2], 1.2, "round") == [2]


def test_divisible_widths_keep_their_least_share() -> None:
    for width in range(1, 400):
        for limit in (0.0, 0.9, 0.95):
            rounded = make_divisible(width, limit=limit)
            assert rounded % 8 == 0
            assert rounded >= limit * width
            assert rounded <= width + 8
    assert (make_divisible(17), make_divisible(17, least=32), make_divisible(17, 16, limit=0.95)) == (16, 32, 32)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RegNet(RegNetCfg(), preact=True)", "preact: "),
        ("RegNet(RegNetCfg(), bottle_ratio=0.5, linear_out=True)", "linear_out: "),
        ("RegNet(RegNetCfg(wa=36.44, wm=2.49, w0=24, depth=13), bottle_ratio=4.0, group_size=16)", "group_size: "),
        ("ByobNet(ByoModelCfg([ByoBlockCfg('bottle', 1, 8)], block_kwargs=dict(bottle_in=True)))", "bottle_in: "),
        ("ByobNet(ByoModelCfg([ByoBlockCfg('bottle', 1, 8)], block_kwargs=dict(extra_conv=True)))", "extra_conv: "),
        ("ByobNet(ByoModelCfg([ByoBlockCfg('bottle', 1, 8)], block_kwargs=dict(speed=1)))", "speed is not"),
        (
            "ByobNet(ByoModelCfg([ByoBlockCfg('basic', 1, 8)], block_kwargs=dict(linear_out=True)))",
            "block_kwargs: ",
        ),
        (
            "ByobNet(ByoModelCfg([ByoBlockCfg('bottle', 1, 24, gs=16, br=2)]))",
            "groups of 16 channels do not divide the output width, 24",
        ),
        (
            f"ByobNet(ByoModelCfg([ByoBlockCfg('bottle', 1, 32, gs=16, br=2)], stem_chs=24, {INVERTED}))",
            "blocks: in stage 1, 48 inner channels are no multiple",
        ),
        ("RegNet(RegNetCfg(), speed=3)", "RegNetCfg: speed is not understood"),
        ("ConvNeXt(stem_type='overlap_act', head_norm_first=True)", "head_norm_first: "),
        (
            "ConvNeXt(stem_type='overlap_act')",
            "stem_type is 'overlap_act', but it must be 'patch' or 'overlap' or 'overlap_tiered'",
        ),
        ("ConvNeXt(dims=(96, 192))", "dims: a ConvNeXt has four stages"),
        ("ConvNeXt(head_hidden_size=64, act_layer='relu')", "head_hidden_size: timm's hidden layer has GELU"),
        ("ConvNeXt(pruned=True)", "pruned is not understood"),
        ("GhostNet([[[3, 16, 16, 0, 1]]], version='v3')", "version: a block here is GhostNet's first"),
        ("GhostNet([[[3, 99999, 16, 0, 1]]])", "widths are in 1 … 65536"),
        ("ResNet(BasicBlock, [1, 1, 1, 1], stem_type='deep', stem_width=30)", "stem_width must be a multiple of 4"),
        (
            "ResNet(BasicBlock, [1, 1, 1, 1], block_args=dict(attn_layer='gc'))",
            "attn_layer is 'gc', but it must be 'se' or 'eca'",
        ),
        (
            "ResNet(BasicBlock, [1, 1, 1, 1], block_args=dict(attn_layer=partial(make('se'))))",
            "attn_layer is make('se'), but it must be 'se' or 'eca'",
        ),
        (
            "ResNet(BasicBlock, [1, 1, 1, 1], replace_stem_pool=True, aa_layer=nn.AvgPool2d)",
            "replace_stem_pool: with aa_layer, timm smooths before the norm",
        ),
        ("EfficientNet([['ds_r1_k3_s2_c16']], aa_layer='blur')", "timm builds no blur in a strided ds"),
        ("ByobNet(ByoModelCfg([ByoBlockCfg('basic', 1, 8)], attn_layer='se'))", "has its gate inside"),
        (
            "ByobNet(ByoModelCfg([ByoBlockCfg(type='one', d=1, c=8)]))",
            "type is 'one', but it must be 'rep' or 'basic' or 'bottle'",
        ),
        (
            "ByobNet(ByoModelCfg([ByoBlockCfg('rep', 1, 8, gs=4)], stem_type='rep'))",
            "gs: a repvgg block has no groups",
        ),
        ("ByobNet(ByoModelCfg([ByoBlockCfg('rep', 1, 8)], stem_type='rep'), attn_layer='se')", "attn_layer: "),
        (
            "ByobNet(ByoModelCfg([ByoBlockCfg('rep', 1, 8)]), img_size=3)\nRegNet(RegNetCfg())",
            "is a second network",
        ),
        ("RegNet(make_config())", "cfg is make_config(), but it must be a call of RegNetCfg"),
    ],
)
def test_the_first_keyword_that_is_not_understood_is_named(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=r"^x:\d+: .*$") as error:
        read_network(text, "x")
    assert reason in str(error.value)


def test_no_change_of_a_character_brings_the_readers_down() -> None:
    letters = "()[],._:0123456789abcdefgimprs'= -"
    texts = [text for name, text in DEFINITIONS.items() if not name.startswith(("efficientnet", "convnextv2"))]
    read, refusals = read_mangled(texts, letters, count=600, most_changes=3)
    assert read > 8
    assert len(refusals) > 200
