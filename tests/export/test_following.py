"""Whatever stands around a network's call: the network is read as Python builds it, or refused in one line."""

from __future__ import annotations

import pytest

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.export.import_definition import read_network

ARCH = "arch_def = [['ds_r1_k3_s1_e1_c16_se0.25'], ['ir_r2_k3_s2_e6_c24_se0.25']]\n"
CALL = "EfficientNet(decode_arch_def(arch_def), num_features=640, in_chans=1, num_classes=10)"
KEYWORDS = "dict(num_features=640, in_chans=1, num_classes=10)"
NET = f"net = {CALL}\n"
PARAMS = 352 + 1448 + 6004 + 10710 + 23050
"""By hand, of timm's layers. Stem: 9·32 + 64. ds: 9·32 + 64, gate 32·8 + 8 + 8·32 + 32, 32·16 + 32. First ir:
16·96 + 192, 9·96 + 192, gate 96·4 + 4 + 4·96 + 96, 96·24 + 48. Second ir: 24·144 + 288, 9·144 + 288, gate
144·6 + 6 + 6·144 + 144, 144·24 + 48. Head: 24·640 + 1280, 640·10 + 10."""

READ = {
    "call": NET,
    "keywords": f"kwargs = {KEYWORDS}",
    "block_args": "kw = dict(block_args=decode_arch_def(arch_def), num_features=640, in_chans=1, num_classes=10)",
    "spread": f"kwargs = {KEYWORDS}\nnet = EfficientNet(decode_arch_def(arch_def), **kwargs)",
    "import as": f"from timm.models import EfficientNet as Net\n{NET.replace('EfficientNet', 'Net')}",
    "module alias": "import timm.models.efficientnet as e\n" + NET.replace("EfficientNet", "e.EfficientNet"),
    "assigned alias": "Net = EfficientNet\n" + NET.replace("EfficientNet", "Net"),
    "partial": "make = partial(EfficientNet, in_chans=1)\n"
    "net = make(decode_arch_def(arch_def), num_features=640, num_classes=10)",
    "partial of a partial": "make = partial(partial(EfficientNet, in_chans=1), num_features=640, num_classes=10)\n"
    "net = make(decode_arch_def(arch_def))",
    "partial of its name": "inner = functools.partial(EfficientNet, in_chans=1, num_classes=9)\n"
    "make = partial(inner, num_features=640, num_classes=10)\nnet = make(decode_arch_def(arch_def))",
    "alias of partial": "from functools import partial as p\nmake = p(EfficientNet, in_chans=1)\n"
    "net = make(decode_arch_def(arch_def), num_features=640, num_classes=10)",
    "eval": NET + "net.eval()",
    "eval at once": NET.replace(")\n", ").eval()\n"),
    "eval returned": f"def build():\n    net = {CALL}\n    return net.train(False)",
    "called function": f"def build():\n    return {CALL}\nnet = build()\nnet.eval()",
    "default argument": f"def build(net={CALL}):\n    return net",
    "other keywords": f"other = dict(in_chans=3)\n{NET}",
    "annotations": f"def build(px: int = 3) -> list[Any]:\n    net: nn.Module = {CALL}\n    return net",
    "imported twice": "from torch import nn\nimport torch.nn as nn\nimport torch\n" + NET,
    "imports": "from __future__ import annotations\nfrom typing import Any\nimport torch\nfrom torch import nn\n"
    + NET,
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_what_is_followed_is_the_network_that_python_builds(text: str) -> None:
    network = read_network(ARCH + text, "file.py")
    assert (cost(network).params, network.in_channels) == (PARAMS, 1)


TAKEN = "takes the network"
BARE = "is not read beside a bare list"
UNREAD = "only assignments, calls and functions"

ELSEWHERE = {
    f"net = nn.Sequential({CALL})": TAKEN,
    f"net = nn.DataParallel(module={CALL})": TAKEN,
    f"nets = [{CALL}]": "a list takes the network",
    f"nets = {{'a': {CALL}}}": TAKEN,
    f"net, other = {CALL}, 3": UNREAD,
    f"def build():\n    return nn.Sequential({CALL}, nn.ReLU())": TAKEN,
    f"def build(n=nn.Sequential({CALL})):\n    return n": TAKEN,
    f"def build():\n    return {CALL}\nnet = wrap(build())": TAKEN,
    "model = _create_effnet(block_args=decode_arch_def(arch_def), num_features=640, in_chans=1)": BARE,
    "kw = dict(block_args=decode_arch_def(arch_def), in_chans=1)\nmodel = _create_effnet('b0', False, **kw)": BARE,
    "model = build_model_with_cfg(EfficientNet, 'b0', False, block_args=decode_arch_def(arch_def))": BARE,
    "make = partial(EfficientNet, decode_arch_def(arch_def), in_chans=1)": BARE,
    "make = partial(EfficientNet, in_chans=1)": BARE,
    f"{NET}make = partial(EfficientNet, in_chans=4)": "is a second network",
    "make = partial(EfficientNet, in_chans=1)(decode_arch_def(arch_def))": "not a plain name",
    "Net = EfficientNet": BARE,
    "nets = [EfficientNet]\nnet = nets[0](decode_arch_def(arch_def))": "not a plain name",
    "nets = [EfficientNet]": BARE,
    f"in_chans = 1\nkwargs = {KEYWORDS}": BARE,
    "num_features = 640": BARE,
    "cfgs = [dict(in_chans=1)]": BARE,
    "def build():\n    return dict(in_chans=1)": BARE,
    "def build():\n    return decode_arch_def(arch_def, depth_multiplier=2.0)": BARE,
    "blocks = decode_arch_def(arch_def, 2.0)": BARE,
    "rows = [MBConvConfig(1, 3, 1, 32, 16, 1)]": BARE,
    "register(url='x')": BARE,
    "print(arch_def)": BARE,
    "kwargs = dict(dict(in_chans=1), num_features=640)": "dict of a value",
    "kwargs = dict([('in_chans', 1)], num_features=640)": "dict of a value",
    "net = EfficientNet(decode_arch_def(arch_def), **dict(dict(in_chans=1)))": "dict of a value",
    "from mine import EfficientNet\n" + NET: BARE,
    "from .models import EfficientNet as Net\n" + NET.replace("EfficientNet", "Net"): BARE,
    "from mine import VisionTransformer as EfficientNet\n" + NET: BARE,
    "from timm.models import VisionTransformer as EfficientNet\n" + NET: BARE,
    "import mine\n" + NET.replace("EfficientNet", "mine.EfficientNet"): BARE,
    "import mine as m\n" + NET.replace("EfficientNet", "m.EfficientNet"): BARE,
    "from mine import *\n" + NET: "import * from mine",
    "from mine import decode_arch_def\n" + NET: "must be a list of lists of strings",
    "from mine import partial\nmake = partial(EfficientNet, in_chans=1)": BARE,
    "from mine import arch_def": "arch_def is assigned twice",
    "from mine import input_size": "input_size is mine.input_size, but it must be a list",
    f"{NET}from mine import EfficientNet": "EfficientNet is used above",
    f"def build():\n    return {CALL}\nEfficientNet = VisionTransformer": "EfficientNet is used above",
    f"def build():\n    return {CALL}\ndef EfficientNet(blocks):\n    return 3": "EfficientNet is used above",
    f"def EfficientNet(*given, **named):\n    return None\n{NET}": "arguments of EfficientNet are not followed",
    f"EfficientNet = VisionTransformer\n{NET}": BARE,
    f"class Net(EfficientNet):\n    pass\n{NET}": UNREAD,
    "def build(**kw):\n    return EfficientNet(decode_arch_def(arch_def), **kw)": "** of something unknown",
    f"kwargs = {KEYWORDS}\ndef build(**kwargs):\n    return {CALL}": "kwargs is assigned above",
    f"def build(*arch_def):\n    return {CALL}": "arch_def is assigned above",
    f"def build(EfficientNet):\n    return {CALL}": BARE,
    "net = ResNet(Bottleneck, [1, 1, 1, 1])\ndef build(Bottleneck):\n    return ResNet(Bottleneck, [1, 1, 1, 1])": (
        "is a second network"
    ),
    "def build(Bottleneck):\n    return ResNet(Bottleneck, [1, 1, 1, 1])": "is build.Bottleneck, but it must be",
    f"@wrap\ndef build():\n    return {CALL}": "a decorator",
    f"async def build():\n    return {CALL}": UNREAD,
    f"def build(n=1):\n    return {CALL}\nnet = build(2)": "arguments of build",
    f"build = lambda: {CALL}": "is neither",
    f"net = {CALL} if big else None": "is neither",
    f"net = (lambda: {CALL})()": "not a plain name",
    f"print(net := {CALL})": "is neither",
    "(kwargs := dict(in_chans=1))": "is neither",
    "a = kwargs = dict(in_chans=1)": UNREAD,
    "kwargs, other = dict(in_chans=1), 2": UNREAD,
    "exec('arch_def.pop()')": BARE,
}
AFTERWARDS = {
    "net.reset_classifier(1000)": "net.reset_classifier",
    "_ = net.reset_classifier(1000)": "net.reset_classifier",
    "net.classifier.append(nn.Linear(10, 5))": "net.classifier.append",
    "net.blocks.pop(1)": "net.blocks.pop",
    "net.eval().blocks.pop(1)": "not a plain name",
    "net.eval(net.blocks.pop(1))": "net.blocks.pop",
    "net.eval().reset_classifier(5)": "not a plain name",
    "other = net\nother.blocks.pop(1)": "other.blocks.pop",
    "pop = net.blocks.pop": "net.blocks.pop",
    "layer = net.blocks": "net.blocks",
    "def build():\n    return net.blocks": "net.blocks",
    "def build():\n    net.blocks.pop()": "net.blocks.pop",
    "def build():\n    return [net.eval()]": TAKEN,
    "for block in net.blocks:\n    block.pop()": UNREAD,
    "with torch.no_grad():\n    net.blocks.pop(1)": UNREAD,
    "if True:\n    net.blocks.pop(1)": UNREAD,
    "while net.blocks:\n    net.blocks.pop(1)": UNREAD,
    "try:\n    net.blocks.pop(1)\nfinally:\n    pass": UNREAD,
    "match net:\n    case _: net.blocks.pop(1)": UNREAD,
    "assert net.blocks.pop(1)": UNREAD,
    "del net.blocks": UNREAD,
    "del net.blocks[1]": UNREAD,
    "net.conv_stem = nn.Conv2d(1, 32, 3)": UNREAD,
    "net.conv_stem: nn.Module = nn.Conv2d(1, 32, 3)": UNREAD,
    "net.blocks[0] = nn.Identity()": UNREAD,
    "net.blocks += [nn.Identity()]": UNREAD,
    "[block.pop() for block in net.blocks]": "is neither",
    "net = wrap(net)": "assigned twice",
    "net = nn.Sequential(net)": "assigned twice",
    "wrapped = wrap(model=net)": TAKEN,
    "apply(net)": TAKEN,
    "setattr(net, 'conv_stem', None)": TAKEN,
    "nn.Module.add_module(net, 'more', nn.ReLU())": TAKEN,
    "EfficientNet.reset_classifier(net, 5)": TAKEN,
    "change()": "change(…) is not followed",
    "exec('net.blocks.pop()')": "exec(…) is not followed",
    "setattr(timm.layers, 'SqueezeExcite', None)": "setattr(…) is not followed",
    "net.eval(change())": "change(…) is not followed",
    "x: (net := 3) = 4": "in an annotation",
    "def f(x: net.blocks.pop(1)):\n    return 3": "in an annotation",
    "def f() -> net.blocks.pop(1):\n    return 3": "in an annotation",
    "y = net(3)": "calls a value",
    "net()()": "not a plain name",
}
MUTATED = {
    "dict.update(kwargs, in_chans=3)": "update(…) is not read",
    "kwargs.update(in_chans=3)": "kwargs.update",
    "alias = kwargs\nalias.update(in_chans=3)": "alias.update",
    "x = kwargs.pop('in_chans')": "kwargs.pop",
    "kwargs['in_chans'] = 3": UNREAD,
    "kwargs |= dict(in_chans=3)": UNREAD,
    "del kwargs['in_chans']": UNREAD,
    "kwargs = dict(in_chans=3)": "assigned twice",
    "dict.__setitem__(kwargs, 'in_chans', 3)": "__setitem__(…) is not read",
    "globals()['kwargs']['in_chans'] = 3": UNREAD,
    "more = kwargs.copy()": "kwargs.copy",
    "list.append(arch_def, ['ir_r1_k3_s1_e6_c24'])": "append(…) is not read",
    "arch_def.append(['ir_r1_k3_s1_e6_c24'])": "arch_def.append",
    "arch_def[0] = ['ds_r1_k3_s1_e1_c16']": UNREAD,
    "change(kwargs)": "change(…) is not read",
}
REFUSED = [
    *((ARCH + text, reason) for text, reason in ELSEWHERE.items()),
    *((ARCH + NET + text, reason) for text, reason in AFTERWARDS.items()),
    *((f"{ARCH}kwargs = {KEYWORDS}\n{text}", reason) for text, reason in MUTATED.items()),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[*ELSEWHERE, *AFTERWARDS, *MUTATED])
def test_what_is_not_followed_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=r"^file\.py:\d+: .*$") as error:
        read_network(text, "file.py")
    assert reason in str(error.value)
