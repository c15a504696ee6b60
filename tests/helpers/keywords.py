"""Every keyword of every builder of timm and torchvision that is read: supported, without effect, or refused.

Each value of a keyword is a call with that keyword changed. What is read must cost what the library's own network
costs (`tests/fixtures/keyword_costs.json`, written by `GOLDEN=1 make test-interop`); all else is refused.
"""

from __future__ import annotations

SUPPORTED, NO_EFFECT, REFUSED = "supported", "no effect", "refused"
MULTIPLIED = "write the scaled numbers, or scale with scalesearch; only 1 is read"


ROWS = "[['ds_r1_k3_s1_e1_c16_se0.25'], ['ir_r2_k5_s2_e6_c24_se0.25']]"
_GATE = "partial(SqueezeExcite, gate_layer='hard_sigmoid', force_act_layer=nn.ReLU, rd_round_fn=round_channels)"
_REGNET = "13, 24, 36.44, 2.49, 8"
_GHOSTS = "[[[3, 16, 16, 0, 1]], [[3, 48, 24, 0, 2]], [[5, 72, 24, 0.25, 1]]]"
_REP = "ByoBlockCfg(type='rep', d=2, c=24)"
_MBCONV = "EfficientNet(\n    [MBConvConfig(\n{}\n    )],\n    dropout=0.2,\n    num_classes=2,\n)"
_ROW = {"kernel": "3", "stride": "2", "input_channels": "24", "out_channels": "40", "num_layers": "2"}
TEMPLATES: dict[str, tuple[str, dict[str, str]]] = {
    "timm.EfficientNet": ("EfficientNet(\n{}\n)", {"block_args": f"decode_arch_def({ROWS})", "num_classes": "2"}),
    "timm.MobileNetV3": (
        "MobileNetV3(\n{}\n)",
        {"block_args": f"decode_arch_def({ROWS})", "num_classes": "2", "se_layer": _GATE},
    ),
    "timm.decode_arch_def": (
        "EfficientNet(\n    decode_arch_def(\n{}\n    ),\n    num_classes=2,\n)",
        {"arch_def": ROWS},
    ),
    "timm.ResNet": (
        "ResNet(\n{}\n)",
        {"block": "BasicBlock", "layers": "[1, 1, 2, 1]", "num_classes": "2"},
    ),
    "timm.RegNet": ("RegNet(\n{}\n)", {"cfg": f"RegNetCfg({_REGNET})", "num_classes": "2"}),
    "timm.RegNetCfg": (
        "RegNet(\n    RegNetCfg(\n{}\n    ),\n    num_classes=2,\n)",
        {"depth": "13", "w0": "24", "wa": "36.44", "wm": "2.49", "group_size": "8"},
    ),
    "timm.ConvNeXt": (
        "ConvNeXt(\n{}\n)",
        {"depths": "(1, 1, 2, 1)", "dims": "(16, 24, 32, 48)", "num_classes": "2"},
    ),
    "timm.GhostNet": ("GhostNet(\n{}\n)", {"cfgs": _GHOSTS, "num_classes": "2"}),
    "timm.ByobNet": (
        "ByobNet(\n{}\n)",
        {"cfg": f"ByoModelCfg(({_REP}, {_REP}), stem_type='rep')", "num_classes": "2"},
    ),
    "timm.ByoModelCfg": (
        "ByobNet(\n    ByoModelCfg(\n{}\n    ),\n    num_classes=2,\n)",
        {"blocks": f"[{_REP}, {_REP}]", "stem_type": "'rep'"},
    ),
    "timm.ByoBlockCfg": (
        f"ByobNet(\n    ByoModelCfg([{_REP}, ByoBlockCfg(\n{{}}\n    )]),\n    num_classes=2,\n)",
        {"type": "'bottle'", "d": "2", "c": "64"},
    ),
    "torchvision.EfficientNet": (
        "EfficientNet(\n{}\n)",
        {
            "inverted_residual_setting": "[MBConvConfig(6, 3, 2, 24, 40, 2)]",
            "dropout": "0.2",
            "num_classes": "2",
        },
    ),
    "torchvision.MBConvConfig": (
        _MBCONV,
        {"expand_ratio": "6", **_ROW},
    ),
    "torchvision.FusedMBConvConfig": (
        _MBCONV.replace("[MBConv", "[FusedMBConv"),
        {"expand_ratio": "3", **_ROW},
    ),
    "torchvision.MobileNetV2": (
        "MobileNetV2(\n{}\n)",
        {"num_classes": "2", "inverted_residual_setting": "[[1, 16, 1, 1], [6, 24, 2, 2]]"},
    ),
    "torchvision.ResNet": (
        "ResNet(\n{}\n)",
        {"block": "Bottleneck", "layers": "[1, 1, 2, 1]", "num_classes": "2"},
    ),
}
"""Each builder's call and its arguments where a case changes none."""


def text_of(builder: str, changes: dict[str, str]) -> str:
    """The builder's call with arguments changed, one a line."""
    template, arguments = TEMPLATES[builder]
    lines = (f"        {name}={value}," for name, value in (arguments | changes).items())
    return "network = " + template.replace("{}", "\n".join(lines)) + "\n"


_RATE = {"0.3": NO_EFFECT, "0.0": NO_EFFECT}
_PLACE = {"None": NO_EFFECT}
_ALIASED = {
    "None": NO_EFFECT,
    "BlurPool2d": SUPPORTED,
    "nn.AvgPool2d": SUPPORTED,
    "nn.MaxPool2d": "no other anti-aliasing",
}
_STRIDED = _ALIASED | {"'avg'": SUPPORTED, "'blurpc'": SUPPORTED, "'max'": "no other anti-aliasing"}
_NORMS = {
    "nn.BatchNorm2d": NO_EFFECT,
    "partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)": SUPPORTED,
    "partial(nn.BatchNorm2d, affine=False)": "affine is not understood",
    "nn.GroupNorm": "must be BatchNorm2d",
}
_ACTIVATIONS = {
    "nn.SiLU": SUPPORTED,
    "nn.ReLU6": SUPPORTED,
    "nn.ReLU": NO_EFFECT,
    "nn.Hardswish": SUPPORTED,
    "nn.Mish": "must be one of SiLU",
}
_POOLS = {
    "'avg'": NO_EFFECT,
    "'fast'": NO_EFFECT,
    "'catavgmax'": "pools by the mean",
    "'avgmax'": "pools by the mean",
    "'max'": "pools by the mean",
    "''": "pools by the mean",
    "None": "pools by the mean",
}
_IMAGES = {
    "1": SUPPORTED,
    "4": SUPPORTED,
    "3": NO_EFFECT,
    "5": SUPPORTED,
    "0": "in_chans is 0, but images",
    "None": "whole number",
}
_CLASSES = {"10": SUPPORTED, "0": "classes is 0", "None": "must be a whole number"}
_TIMM = {
    "in_chans": _IMAGES,
    "num_classes": _CLASSES,
    "drop_rate": _RATE,
    "device": _PLACE,
    "dtype": _PLACE,
}
"""The keywords of every builder of timm."""
_FLAG = {"True": NO_EFFECT, "False": NO_EFFECT}
_DILATION = {"32": NO_EFFECT, "16": "strides in place of dilation"}
_ROUNDING = {"int": NO_EFFECT, "round_channels": NO_EFFECT}
_NAMED_LAYERS = {
    "act_layer": {"'silu'": SUPPORTED, "'relu'": NO_EFFECT, "'mish'": "must be one of SiLU"},
    "norm_layer": {"'batchnorm'": NO_EFFECT, "'groupnorm'": "must be BatchNorm2d"},
}
_ONE = {"1": NO_EFFECT, "1.0": NO_EFFECT, "1.1": MULTIPLIED, "True": MULTIPLIED}
_CONFIG: dict[str, dict[str, str]] = {
    "expand_ratio": {"4": SUPPORTED, "1": SUPPORTED, "2.5": "must be a whole number"},
    "kernel": {"5": SUPPORTED, "4": "kernel is 4"},
    "stride": {"1": SUPPORTED, "3": "strides are 1 and 2"},
    "input_channels": {"32": SUPPORTED, "'24'": "must be a whole number"},
    "out_channels": {"24": SUPPORTED, "None": "must be a whole number"},
    "num_layers": {"3": SUPPORTED, "0": "depth is 0"},
    "block": {"None": NO_EFFECT, "ResidualBlock": "own block"},
}


def _self_attention(nothing: str, convs: str) -> dict[str, dict[str, str]]:
    """ByobNet's keywords of self-attention and of blocks, where `nothing` stands for no arguments.

    `convs` is the reason against another convolution.
    """
    refused = "self-attention is no part"
    return {
        "self_attn_layer": {"None": NO_EFFECT, "'halo'": refused},
        "self_attn_kwargs": {nothing: NO_EFFECT, "dict(rd_ratio=0.25)": refused},
        "block_kwargs": {nothing: NO_EFFECT, "dict(extra_conv=True)": convs},
    }


VALUES: dict[str, dict[str, dict[str, str]]] = {
    "timm.EfficientNet": {
        "block_args": {
            "decode_arch_def([['cn_r1_k3_s1_c16'], ['dsa_r2_k3_s2_c32']])": SUPPORTED,
            "[[dict(block_type='ir')]]": "must be a list of lists of strings",
        },
        "num_classes": _CLASSES,
        "num_features": {"0": SUPPORTED, "640": SUPPORTED, "None": "must be a whole number"},
        "stem_size": {"16": SUPPORTED, "20": "timm rounds 20 channels to 24"},
        "stem_kernel_size": {"5": SUPPORTED, "4": "kernel is 4"},
        "fix_stem": _FLAG | {"1": "must be True or False"},
        "output_stride": {"32": NO_EFFECT, "2": "beyond output_stride 2"},
        "pad_type": {"''": NO_EFFECT, "'same'": SUPPORTED, "None": "must be '' or 'same'"},
        "act_layer": _ACTIVATIONS | {"None": NO_EFFECT, "'swish'": SUPPORTED},
        "norm_layer": _NORMS | {"None": NO_EFFECT},
        "aa_layer": _STRIDED,
        "se_layer": {"None": NO_EFFECT, "SqueezeExcite": "timm's default", "'eca'": "timm's default"},
        "round_chs_fn": {
            **_ROUNDING,
            "partial(round_channels, multiplier=1.4)": SUPPORTED,
            "partial(round_channels, multiplier=1.3, divisor=16, round_limit=0.95)": SUPPORTED,
            "partial(round_channels, multiplier=-1)": "neither a number",
            "partial(round_channels, multiplier=99)": "multiplier must be in 0 … 64",
            "partial(round_channels, divisor=0)": "divisor must be at least 1",
            "partial(round, multiplier=1.4)": "round_chs_fn: only int",
        },
        "drop_path_rate": _RATE,
        "global_pool": _POOLS | {"'fastavg'": NO_EFFECT},
        **_TIMM,
    },
    "timm.MobileNetV3": {
        "block_args": {
            "decode_arch_def([['ds_r1_k3_s2_c16_se0.5_nhs'], ['ir_r2_k5_s1_e2.3_c24']])": SUPPORTED,
            "decode_arch_def([['ir_r2_k5_s1_e6_c24_se0.25'], ['cn_r1_k1_s1_c96']])": SUPPORTED,
            "decode_arch_def([['cn_r1_k1_s1_c96']])": SUPPORTED,
            "[[dict(block_type='ir')]]": "must be a list of lists of strings",
        },
        "num_classes": _CLASSES,
        "stem_size": {"24": SUPPORTED, "20": "timm rounds 20 channels to 24"},
        "fix_stem": _FLAG | {"1": "must be True or False"},
        "num_features": {"640": SUPPORTED, "0": "hidden is 0", "None": "must be a whole number"},
        "head_bias": {"True": NO_EFFECT, "False": SUPPORTED, "0": "must be True or False"},
        "head_norm": {"False": NO_EFFECT, "True": SUPPORTED},
        "pad_type": {"''": NO_EFFECT, "'same'": SUPPORTED},
        "act_layer": _ACTIVATIONS | {"None": NO_EFFECT},
        "norm_layer": _NORMS | {"None": NO_EFFECT},
        "aa_layer": _STRIDED,
        "se_layer": {
            _GATE: NO_EFFECT,
            "None": "without se_layer is no gate here",
            "SqueezeExcite": "but it must be partial(SqueezeExcite",
            "partial(SqueezeExcite, gate_layer='hard_sigmoid')": SUPPORTED,
            "partial(SqueezeExcite, gate_layer='sigmoid')": "but it must be partial(SqueezeExcite",
            "partial(SqueezeExcite, gate_layer='hard_sigmoid', rd_round_fn=int)": "but it must be partial(",
            "partial(SqueezeExcite, gate_layer='hard_sigmoid', force_act_layer=nn.ReLU)": SUPPORTED,
        },
        "se_from_exp": {
            "True": NO_EFFECT,
            "False": "takes its share of the expanded width",
            "0": "must be True or",
        },
        "round_chs_fn": {
            **_ROUNDING,
            "partial(round_channels, multiplier=0.75)": NO_EFFECT,
            "partial(round_channels, multiplier=1.5)": SUPPORTED,
        },
        "drop_path_rate": _RATE,
        "layer_scale_init_value": {"None": NO_EFFECT, "0.1": "layer scale is no part"},
        "global_pool": _POOLS,
        **_TIMM,
    },
    "timm.decode_arch_def": {
        "arch_def": {
            "[['er_r2_k3_s2_e4_c24']]": SUPPORTED,
            "[['ir_r1_k3_s1_e6_c16_nsw']]": SUPPORTED,
            "[['ir_r1_k3_s2_e2.3_c24_nhs']]": SUPPORTED,
            "[['ir_r1_k3_s1_e6_c16_nmi']]": "'nmi' is not understood",
            "[['ir_r1_k3_s1_e6_c16_gs8']]": "gs8 is understood in er only",
            "[['er_r2_k3_s1_e4_c32_gs64']]": SUPPORTED,
            "[['er_r1_k5_s2_e1_c24_gs8_se0.25']]": SUPPORTED,
            "[['er_r1_k3_s1_e2.5_c32_gs8']]": "gs8 must be a multiple of a whole expansion",
            "[['er_r1_k3_s1_e4_c32_gs6']]": "gs6 must be a multiple of a whole expansion",
            "[['er_r1_k3_s1_e4_c48_gs96']]": "gs96 does not divide the inner width, 128",
            "[['er_r1_k3_s1_e4_c32_gs64_fc24']]": "fc with gs is no kind here",
            "[['ir_r1_k3_s1_e6_c16_d1']]": "'d1' is not understood",
            "[['er_r1_k3_s1_e6_c16_fc24']]": SUPPORTED,
            "[['er_r2_k3_s1_e6_c16_fc24_noskip']]": SUPPORTED,
            "[['er_r1_k3_s1_e1_c16_fc24']]": "24 inner channels of 32 are no expansion here",
            "[['er_r2_k3_s2_e1_c24']]": SUPPORTED,
            "[['er_r1_k3_s1_e4_c16_fc24']]": SUPPORTED,
            "[['ir_r1_k3_s1_e6_c16_fc24']]": "fc24 is understood in er only",
            "[['ir_r1_k3_s1_e1_c16']]": SUPPORTED,
            "[['ir_r2_k3.5.7_a1.1_p1.1_s2_e6_c24_se0.5_nsw']]": SUPPORTED,
            "[['ir_r1_k3_a1.1.1_s1_e3_c40']]": SUPPORTED,
            "[['ir_r1_k3.7_s1_e6_c16']]": "no run that grows by 2",
            "[['ir_r1_k3.5_s1_e1_c16']]": "even without expansion",
            "[['ir_r1_k3_a1.3_s1_e6_c16']]": "the other convolutions are 1×1",
            "[['ir_r1_k13.15.17_s1_e6_c16']]": "above 15",
            "[['ds_r1_k3.5.7_s1_c16']]": "k3.5.7 is understood in ir only",
            "[['cn_r1_k3.5_s1_c16']]": "3.5 must be a whole number",
            "[['uir_r1_k3_s1_c16']]": "e is missing",
            "[['uir_r2_a3_k5_s2_e4_c24']]": SUPPORTED,
            "[['uir_r1_a0_k0_s1_e2_c32', 'uir_r1_a5_k0_s1_e4_c32_nhs']]": SUPPORTED,
            "[['uir_r1_a0_k0_s2_e2_c32']]": "has no stride in timm",
            "[['uir_r1_a3_k3_p3_s1_e2_c32']]": "p is given",
            "[['uir_r2_a3_k5_s2_e4_c24_se0.25']]": SUPPORTED,
            "[['uir_r1_a0_k0_s1_e2_c32_se0.25', 'uir_r1_a5_k0_s1_e1_c32_se0.5_nhs']]": SUPPORTED,
            "[['ir_r2_k3_s1_e1_c32_se0.25']]": SUPPORTED,
            "[['cn_r1_k3_s1_c32_se0.25']]": "a cn with se is no kind here",
            "[['mqa_r1_k3_h4_s1_v2_d64_c32']]": "'mqa' is not understood",
            "[['dsa_r2_k3_s2_c32_se0.25']]": SUPPORTED,
            "[['cn_r1_k3_s1_c16_skip_noskip']]": "has both skip and noskip",
        },
        "depth_multiplier": {
            "1": NO_EFFECT,
            "1.0": NO_EFFECT,
            "(1.0, 1.0)": NO_EFFECT,
            "1.1": SUPPORTED,
            "(1.0, 2.0)": SUPPORTED,
            "(1.0,)": "one for each of the 2 lists",
            "0": "above 0",
            "True": "must be a number",
        },
        "depth_trunc": {"'round'": NO_EFFECT, "'ceil'": NO_EFFECT, "'floor'": "must be 'ceil' or 'round'"},
        "experts_multiplier": {"2": NO_EFFECT},
        "fix_first_last": {"True": NO_EFFECT, "False": NO_EFFECT, "'yes'": "must be True or False"},
        "group_size": {"None": NO_EFFECT, "8": "grouped convolutions"},
    },
    "timm.ResNet": {
        "block": {
            "Bottleneck": SUPPORTED,
            "[BasicBlock, Bottleneck, BasicBlock, Bottleneck]": SUPPORTED,
            "[BasicBlock]": "four stages",
            "PreActBlock": "must be one of BasicBlock, Bottleneck",
        },
        "layers": {"(2, 1, 1, 1)": SUPPORTED, "[1, 1, 1]": "four stages"},
        "output_stride": _DILATION,
        "global_pool": _POOLS,
        "cardinality": {"1": NO_EFFECT, "2": "BasicBlock has no groups", "0": "must divide 256"},
        "base_width": {"64": NO_EFFECT, "128": "be 64 with BasicBlock"},
        "stem_width": {"64": NO_EFFECT, "32": NO_EFFECT},
        "stem_type": {
            "''": NO_EFFECT,
            "'deep'": SUPPORTED,
            "'deep_tiered'": SUPPORTED,
            "'tiered'": "but it must be",
        },
        "replace_stem_pool": {"False": NO_EFFECT, "True": SUPPORTED, "1": "must be True or False"},
        "block_reduce_first": {"1": NO_EFFECT, "2": "narrower first convolution"},
        "down_kernel_size": {"1": NO_EFFECT, "3": "1×1 here"},
        "avg_down": {"False": NO_EFFECT, "True": SUPPORTED, "None": NO_EFFECT, "1": "must be True or False"},
        "channels": {"(32, 48, 96, 160)": SUPPORTED, "(64, 128)": "four stages", "None": "must be a list"},
        "act_layer": _ACTIVATIONS,
        "norm_layer": _NORMS,
        "aa_layer": _ALIASED,
        "drop_path_rate": _RATE,
        "drop_block_rate": _RATE,
        "zero_init_last": _FLAG,
        "block_args": {
            "None": NO_EFFECT,
            "dict()": NO_EFFECT,
            "dict(attn_layer='se')": SUPPORTED,
            "dict(attn_layer='eca')": SUPPORTED,
            "dict(attn_layer=partial(get_attn('se'), rd_ratio=0.25))": SUPPORTED,
            "dict(attn_layer=partial(get_attn('se'), rd_divisor=1))": "a multiple of 8",
            "dict(attn_layer='cbam')": "but it must be",
            "dict(reduce_first=2)": "reduce_first is not understood",
            "'se'": "must be a dict",
        },
        **_TIMM,
    },
    "timm.RegNet": {
        "cfg": {
            f"RegNetCfg({_REGNET}, se_ratio=0.25)": SUPPORTED,
            f"RegNetCfg({_REGNET})": NO_EFFECT,
            "dict(depth=13)": "but it must be a call of RegNetCfg",
        },
        "output_stride": _DILATION,
        "global_pool": _POOLS,
        "drop_path_rate": _RATE,
        "zero_init_last": _FLAG,
        **_TIMM,
    },
    "timm.RegNetCfg": {
        "depth": {"14": SUPPORTED, "1": "4 stages, but these sizes give 1", "0": "depth must be in"},
        "w0": {"32": SUPPORTED, "20": "w0 a multiple of 8"},
        "wa": {"30.5": SUPPORTED, "0": "these sizes give 1"},
        "wm": {"2.4": SUPPORTED, "1": "wm above 1"},
        "group_size": {"16": SUPPORTED, "0": "group_size at least 1"},
        "bottle_ratio": {
            "1.0": NO_EFFECT,
            "0.5": SUPPORTED,
            "2.0": SUPPORTED,
            "0": "must be a whole number, or 1 over one",
            "1.5": "must be a whole number, or 1 over one",
        },
        "se_ratio": {"0.25": SUPPORTED, "0.0": NO_EFFECT, "0.3": "timm squeezes to"},
        "group_min_ratio": {"0.9": NO_EFFECT, "0": NO_EFFECT, "2": "group_min_ratio in 0 … 1"},
        "stem_width": {"16": SUPPORTED, "0": "width is 0"},
        "downsample": {"'conv1x1'": NO_EFFECT, "'avg'": SUPPORTED, "None": SUPPORTED, "'max'": "but it must be"},
        "linear_out": {"False": NO_EFFECT, "True": SUPPORTED},
        "preact": {"False": NO_EFFECT, "True": "behind its convolutions"},
        "num_features": {"0": NO_EFFECT, "64": SUPPORTED},
        **_NAMED_LAYERS,
    },
    "timm.ConvNeXt": {
        "num_classes": _CLASSES,
        "global_pool": _POOLS,
        "output_stride": _DILATION,
        "depths": {"[2, 1, 1, 1]": SUPPORTED, "2": "must be a list", "(1, 1, 1)": "four stages"},
        "dims": {"(16, 32, 64, 64)": SUPPORTED, "(16, 24, 32, '48')": "must be a whole number"},
        "kernel_sizes": {"7": NO_EFFECT, "5": SUPPORTED, "(3, 5, 7, 9)": SUPPORTED, "4": "kernel is 4"},
        "ls_init_value": {"0.1": NO_EFFECT, "None": "has layer scale here", "'x'": "must be a number"},
        "stem_type": {
            "'patch'": NO_EFFECT,
            "'overlap'": SUPPORTED,
            "'overlap_tiered'": SUPPORTED,
            "'overlap_act'": "but it must be",
        },
        "patch_size": {"2": SUPPORTED, "4": NO_EFFECT, "8": "multiply to 32 at most"},
        "head_init_scale": {"0.5": NO_EFFECT},
        "head_norm_first": {"False": NO_EFFECT, "True": "pooled features are normalised"},
        "head_hidden_size": {"None": NO_EFFECT, "64": SUPPORTED},
        "conv_mlp": _FLAG,
        "conv_bias": {"True": NO_EFFECT, "False": "has a bias here"},
        "use_grn": {"False": NO_EFFECT, "True": "has no layer scale here; give None"},
        "act_layer": {
            "'gelu'": NO_EFFECT,
            "'relu'": SUPPORTED,
            "'gelu_tanh'": SUPPORTED,
            "'mish'": "must be one of SiLU",
        },
        "norm_layer": {"None": NO_EFFECT, "'layernorm'": NO_EFFECT, "'rmsnorm2d'": "has layer norm"},
        "norm_eps": {"None": NO_EFFECT, "1e-6": NO_EFFECT, "1e-5": SUPPORTED, "'x'": "must be a number"},
        "drop_path_rate": _RATE,
        **_TIMM,
    },
    "timm.GhostNet": {
        "cfgs": {
            "[[[3, 32, 24, 0.25, 2], [5, 120, 40, 0, 1]]]": SUPPORTED,
            "[[3, 16, 16, 0, 1]]": "a row must be",
            "[3]": "cfgs must be a list of lists",
            "[[[3, 16, 16, 0]]]": "a row must be",
        },
        "width": {"1.0": NO_EFFECT, "1.3": SUPPORTED, "0.5": SUPPORTED, "0": "width must be above 0"},
        "output_stride": _DILATION,
        "global_pool": _POOLS,
        "version": {"'v1'": NO_EFFECT, "'v2'": "GhostNet's first", "'v3'": "GhostNet's first"},
        **_TIMM,
    },
    "timm.ByobNet": {
        "cfg": {
            f"ByoModelCfg(({_REP}, {_REP}), stem_type='rep', stem_chs=24)": SUPPORTED,
            f"ByoModelCfg((({_REP}, {_REP}), {_REP}), stem_type='7x7')": SUPPORTED,
            "dict(blocks=[])": "but it must be a call of ByoModelCfg",
        },
        "global_pool": {"None": NO_EFFECT, "'avg'": NO_EFFECT, "'max'": "pools by the mean"},
        "output_stride": _DILATION,
        "img_size": {"None": NO_EFFECT},
        "drop_block_rate": _RATE,
        "drop_block_size": {"5": NO_EFFECT},
        "drop_path_rate": _RATE,
        "zero_init_last": _FLAG,
        **_TIMM,
    },
    "timm.ByoModelCfg": {
        "blocks": {f"({_REP}, {_REP}, {_REP})": SUPPORTED, "[3]": "blocks must be calls of ByoBlockCfg"},
        "downsample": {"'conv1x1'": NO_EFFECT, "'avg'": NO_EFFECT, "'pool'": "but it must be"},
        "stem_type": {
            "'3x3'": SUPPORTED,
            "''": SUPPORTED,
            "'7x7'": SUPPORTED,
            "'deep'": SUPPORTED,
            "'tiered'": SUPPORTED,
            "'quad'": "but it must be",
        },
        "stem_pool": {"'maxpool'": NO_EFFECT, "None": NO_EFFECT, "''": NO_EFFECT, "'avg'": "but it must be"},
        "stem_chs": {"24": SUPPORTED, "(24, 32)": "has one number", "0": "stem_chs must be in"},
        "width_factor": {"1.0": NO_EFFECT, "1.5": SUPPORTED, "0": "width_factor must be above 0"},
        "num_features": {"0": NO_EFFECT, "64": SUPPORTED},
        "zero_init_last": _FLAG,
        "fixed_input_size": {"False": NO_EFFECT, "True": "images of any size"},
        **_NAMED_LAYERS,
        "aa_layer": {"''": NO_EFFECT, "'avg'": "a repvgg block has no smoothing", "'max'": "but it must be"},
        "head_hidden_size": {"None": NO_EFFECT, "64": "is a classifier"},
        "head_type": {"'classifier'": NO_EFFECT, "'mlp'": "is a classifier"},
        "attn_layer": {
            "None": NO_EFFECT,
            "'se'": "a repvgg block has no gate",
            "'gca'": "but it must be 'se' or 'eca'",
        },
        "attn_kwargs": {"dict()": NO_EFFECT, "dict(rd_ratio=0.25)": NO_EFFECT},
        **_self_attention("dict()", "a second k×k convolution"),
    },
    "timm.ByoBlockCfg": {
        "type": {
            "'rep'": SUPPORTED,
            "'basic'": SUPPORTED,
            "'bottle'": NO_EFFECT,
            "'one'": "but it must be",
            "None": "type must be",
        },
        "d": {"3": SUPPORTED, "0": "depth is 0"},
        "c": {"32": SUPPORTED, "0": "c must be in"},
        "s": {"1": SUPPORTED, "2": NO_EFFECT},
        "gs": {
            "None": NO_EFFECT,
            "0": NO_EFFECT,
            "16": SUPPORTED,
            "48": "do not divide",
            "a_function": "must be a whole number",
        },
        "br": {
            "1.0": NO_EFFECT,
            "0.25": SUPPORTED,
            "3.0": SUPPORTED,
            "1.5": "none is a multiple of the other",
            "0": "none is a multiple of the other",
        },
        "attn_layer": {"None": NO_EFFECT, "'se'": "that of all blocks of a network"},
        "attn_kwargs": {"None": NO_EFFECT, "dict(rd_ratio=0.25)": "that of all blocks of a network"},
        **_self_attention("None", "arguments of its own"),
    },
    "torchvision.EfficientNet": {
        "inverted_residual_setting": {
            "[FusedMBConvConfig(1, 3, 1, 24, 24, 2)]": SUPPORTED,
            "[CNBlockConfig(96, 192, 3)]": "rows must be",
        },
        "dropout": _RATE,
        "stochastic_depth_prob": _RATE,
        "num_classes": _CLASSES,
        "norm_layer": _NORMS | {"None": NO_EFFECT},
        "last_channel": {"None": NO_EFFECT, "96": SUPPORTED, "0": "width is 0"},
    },
    "torchvision.MBConvConfig": _CONFIG | {"width_mult": _ONE, "depth_mult": _ONE},
    "torchvision.FusedMBConvConfig": _CONFIG,
    "torchvision.MobileNetV2": {
        "num_classes": _CLASSES,
        "width_mult": {"1.0": NO_EFFECT, "1.4": SUPPORTED, "0": "width_mult must be in"},
        "inverted_residual_setting": {
            "None": SUPPORTED,
            "[[1, 16, 1, 2], [4, 40, 3, 2]]": SUPPORTED,
            "[[1, 16, 1]]": "a row must be",
        },
        "round_nearest": {"8": NO_EFFECT, "64": SUPPORTED, "0": "round_nearest at least 1"},
        "block": {"None": NO_EFFECT, "MyBlock": "torchvision's InvertedResidual"},
        "norm_layer": _NORMS | {"None": NO_EFFECT},
        "dropout": _RATE,
    },
    "torchvision.ResNet": {
        "block": {"BasicBlock": SUPPORTED, "MyBlock": "must be one of BasicBlock, Bottleneck"},
        "layers": {"[2, 1, 1, 1]": SUPPORTED, "[1, 1, 1]": "four stages"},
        "num_classes": _CLASSES,
        "zero_init_residual": _FLAG,
        "groups": {"1": NO_EFFECT, "2": SUPPORTED, "3": "must divide 256"},
        "width_per_group": {"64": NO_EFFECT, "128": SUPPORTED, "96": "must divide 256"},
        "replace_stride_with_dilation": {
            "None": NO_EFFECT,
            "[False, False, False]": NO_EFFECT,
            "[False, True, True]": "strides in place of dilation",
        },
        "norm_layer": _NORMS | {"None": NO_EFFECT},
    },
}
"""By builder, keyword and value: what becomes of it; any text but `SUPPORTED` and `NO_EFFECT` is the reason."""


def table(builder: str) -> dict[str, str]:
    """What becomes of each keyword of a builder: supported where a value is, else refused where one is."""
    found = {}
    for keyword, values in VALUES[builder].items():
        kinds = set(values.values())
        rest = NO_EFFECT if kinds == {NO_EFFECT} else REFUSED
        found[keyword] = SUPPORTED if SUPPORTED in kinds else rest
    return found
