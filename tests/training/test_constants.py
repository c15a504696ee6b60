"""A state dict has no constants: what is known of its network, what is assumed and said, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from command import scalesearch
from library_states import theirs
from networks import staged
from safetensors.torch import save_file
from torch import Tensor

from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.baselines import load_baseline
from scalesearch.design.images import square_side
from scalesearch.design.networks import load_network
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.nets.state_dict_mapping import NAMINGS
from scalesearch.nets.weights import read_weights
from scalesearch.training.constants import TIMM, Stated, equal_sides
from scalesearch.training.pretrained import read_pretrained

TORCHVISION = "torchvision's EfficientNet"
SYMMETRIC, TENSORFLOW = Stated("symmetric"), Stated("tensorflow")
SMALL = ["--data", "fractal", "--budget", "smoke", "--epochs", "1", "--threads", "1"]


def saved(folder: Path, name: str, naming: str, prefix: str = "", channels: int = 3) -> Path:
    """A library's state dict of zeros, with statistics of one."""
    tensors: dict[str, Tensor] = {}
    for key, one in theirs(name, naming).items():
        filled = torch.ones if key.endswith("running_var") else torch.zeros
        tensors[prefix + key] = filled(one.shape)
    path = folder / "weights.safetensors"
    save_file(tensors, path)
    return path


EPSILONS = [
    # timm 1.0 and torchvision 0.29: the epsilon of the library's own network of that name
    ("b0", "timm", SYMMETRIC, "0.00001"),
    ("b0", "timm", TENSORFLOW, "0.001"),
    ("b0", TORCHVISION, None, "0.00001"),
    ("b5", TORCHVISION, None, "0.001"),
    ("efficientnet_v2_s", TORCHVISION, None, "0.001"),
    ("mobilenet_v1", "timm", None, "0.00001"),
    ("mobilenet_v3_small", "timm", None, "0.00001"),
    ("mobilenet_v3_small", "torchvision's MobileNetV3", None, "0.001"),
    ("resnet18", "ResNet", None, "0.00001"),
]


@pytest.mark.parametrize(("name", "naming", "stated", "epsilon"), EPSILONS)
def test_weights_keep_their_librarys_epsilon(
    name: str, naming: str, stated: Stated | None, epsilon: str, tmp_path: Path
) -> None:
    start = read_pretrained(saved(tmp_path, name, naming), name, stated)
    assert staged(start.definition.architecture).batch_norm_eps == Decimal(epsilon)
    said = [note for note in start.notes if f"batch norm's epsilon {epsilon}" in note]
    assert len(said) == 1
    own = load_network(name).architecture.batch_norm_eps
    assert any("own epsilon is" in note for note in start.notes) == (own != Decimal(epsilon))


def test_a_users_own_file_states_its_epsilon(tmp_path: Path) -> None:
    path = saved(tmp_path, "b0", "timm")
    (tmp_path / "mine.yaml").write_text(baseline_text(load_baseline("b0")).replace("0.001", "0.0125"))
    start = read_pretrained(path, str(tmp_path / "mine.yaml"), SYMMETRIC)
    assert staged(start.definition.architecture).batch_norm_eps == Decimal("0.0125")


def test_timms_padding_must_be_said(tmp_path: Path) -> None:
    path = saved(tmp_path, "b0", "timm")
    with pytest.raises(InputError, match="give --padding tensorflow for one, else --padding symmetric"):
        read_pretrained(path, "b0")
    assert "symmetric padding" in read_pretrained(path, "b0", SYMMETRIC).notes[-2]
    with pytest.raises(InputError, match="pads symmetrically; leave --padding out"):
        read_pretrained(saved(tmp_path, "b0", TORCHVISION), "b0", TENSORFLOW)
    with pytest.raises(InputError, match="--padding 'same': must be one of symmetric, tensorflow"):
        Stated("same")


@pytest.mark.parametrize(
    ("px", "equal"), [(224, 225), (225, 225), (240, 225), (242, 257), (300, 289), (64, 65), (1, 1)]
)
def test_tensorflows_padding_is_ours_at_a_side_that_stays_odd(px: int, equal: int, tmp_path: Path) -> None:
    """Five strides of 2: sides of 32k + 1. At them SAME pads both ends alike, by its own formula."""
    net = load_baseline("b0").architecture
    assert equal_sides(net, px) == equal
    for block in net.repeated_blocks(net.widths, net.depths, equal):
        size, kernel, stride = square_side(block[0].in_px), block[0].kernel, block[0].stride
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        assert size == 1 or total == 2 * (kernel // 2)
    start = read_pretrained(saved(tmp_path, "b0", "timm"), "b0", TENSORFLOW)
    if px == equal:
        start.check_side(px)
    else:
        with pytest.raises(InputError, match=f"give --resolution {equal}, where both are the same"):
            start.check_side(px)


def test_a_network_that_pads_alike_takes_the_weights_at_any_side(tmp_path: Path) -> None:
    path, own = saved(tmp_path, "b0", "timm"), tmp_path / "mine.yaml"
    own.write_text(baseline_text(load_baseline("b0")).replace("stem:", "padding: same\nstem:"))
    read_pretrained(path, str(own), TENSORFLOW).check_side(224)
    symmetric = read_pretrained(path, str(own), SYMMETRIC)
    symmetric.check_side(225)
    with pytest.raises(InputError, match="pads symmetrically, which differs at 224 px; give --resolution 225"):
        symmetric.check_side(224)


def config(folder: Path, **tree: object) -> None:
    (folder / "config.json").write_text(json.dumps(tree))


def test_timms_config_tells(tmp_path: Path) -> None:
    path = saved(tmp_path, "b0", "timm", "module.")
    cfg = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    config(tmp_path, architecture="tf_efficientnet_b0.ap_in1k", pretrained_cfg=cfg)
    start = read_pretrained(path, None)
    assert (start.definition.name, start.padding) == ("b0", "tensorflow")
    assert staged(start.definition.architecture).batch_norm_eps == Decimal("0.001")
    assert start.notes[0] == "the prefix module. of its tensors' names is taken off"
    assert "pixels by half (its config.json says so)" in start.notes[1]
    for network, stated, reason in (
        ("b1", None, "the weights are of tf_efficientnet_b0; give --network b0"),
        ("b0", SYMMETRIC, "says the padding itself"),
        ("b0", Stated(pixels="half"), "says mean and std itself"),
    ):
        with pytest.raises(InputError, match=reason):
            read_pretrained(path, network, stated)


def test_a_config_of_another_network_is_refused(tmp_path: Path) -> None:
    """resnetblur's tensors are those of a ResNet: its filters are not among them."""
    path = saved(tmp_path, "resnet50", "ResNet")
    config(tmp_path, architecture="resnetblur50")
    with pytest.raises(InputError, match="are of timm's 'resnetblur50', which is no network here"):
        read_pretrained(path, "resnet50")
    config(tmp_path, architecture="resnet50", model_args={"act_layer": "silu"})
    with pytest.raises(InputError, match="model_args change the network"):
        read_pretrained(path, "resnet50")
    config(tmp_path, architecture="resnet50")
    mine = load_baseline("resnet50")
    (tmp_path / "mine.yaml").write_text(
        baseline_text(mine).replace('name: "resnet50"', 'name: "mine"').replace("relu", "silu")
    )
    with pytest.raises(InputError, match="resnet50 has relu, but mine has silu"):
        read_pretrained(path, str(tmp_path / "mine.yaml"))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config.json: cannot be read as JSON"):
        read_pretrained(path, "resnet50")
    config(tmp_path, hidden_size=4)  # somebody else's
    assert read_pretrained(path, "resnet50").definition.name == "resnet50"


def test_a_model_of_timm_states_its_constants_itself(tmp_path: Path) -> None:
    b0 = load_baseline("b0")
    net = replace(b0.architecture, padding="same", batch_norm_eps=Decimal("0.002"))
    path, name = saved(tmp_path, "b0", "timm"), "timm:tf_efficientnet_b0.ap_in1k"

    def load(_: str) -> Baseline:
        return replace(b0, name="timm-tf_efficientnet_b0", architecture=net)

    for tree in (None, {"architecture": "tf_efficientnet_b0.ns_jft_in1k"}):
        if tree is not None:
            config(tmp_path, **tree)
        start = read_pretrained(path, name, load=load)
        assert (start.definition.name, start.padding) == ("timm-tf_efficientnet_b0", "tensorflow")
        assert staged(start.definition.architecture).batch_norm_eps == Decimal("0.002")
        start.check_side(224)
    with pytest.raises(InputError, match="says the padding itself; leave --padding out"):
        read_pretrained(path, name, TENSORFLOW, load)
    config(tmp_path, architecture="efficientnet_b0")
    with pytest.raises(InputError, match="are of timm's 'efficientnet_b0'; give --network timm:efficientnet_b0"):
        read_pretrained(path, name, load=load)


def test_every_model_of_timm_that_is_known_is_a_network_here() -> None:
    for name, ours in TIMM.items():
        net = load_network(ours).architecture
        assert (net.activation == "silu") == ("lite" not in name and "efficientnet" in name)
    assert len(TIMM) == 47
    assert {"timm", TORCHVISION} <= NAMINGS.keys()


def test_images_of_one_channel_need_their_pixels_said(tmp_path: Path) -> None:
    text = baseline_text(load_baseline("b0")).replace("stem:", "in_channels: 1\nstem:")
    (tmp_path / "grey.yaml").write_text(text)
    tensors = {key: torch.ones(one.shape) for key, one in theirs("b0", "timm").items()}
    save_file({**tensors, "conv_stem.weight": torch.ones(32, 1, 3, 3)}, tmp_path / "grey.safetensors")
    with pytest.raises(
        InputError, match="takes 1 channels, but its images were scaled by 3 values; give --pixels half"
    ):
        read_pretrained(tmp_path / "grey.safetensors", str(tmp_path / "grey.yaml"), SYMMETRIC)
    start = read_pretrained(tmp_path / "grey.safetensors", str(tmp_path / "grey.yaml"), Stated("symmetric", "half"))
    assert start.tensors["stem.conv.0.weight"].shape == (32, 1, 3, 3)


def test_the_command_says_what_it_assumes_or_refuses(tmp_path: Path) -> None:
    saved(tmp_path, "b0", "timm", "model.encoder.")
    command = ["transfer", "weights.safetensors", "--network", "b0", *SMALL]
    for more, reason in (
        ([], "give --padding tensorflow"),
        (["--padding", "tensorflow"], "give --resolution 225"),
        (["--padding", "x"], "--padding 'x'"),
    ):
        done = scalesearch(*command, *more, cwd=tmp_path)
        assert done.returncode == 2
        assert reason in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "results").exists()
    assert "the prefix model.encoder." in done.stdout or more == ["--padding", "x"]


def test_the_weights_that_are_written_have_the_librarys_epsilon(tmp_path: Path) -> None:
    saved(tmp_path, "tiny", "timm", "module.")
    command = [
        "transfer",
        "weights.safetensors",
        "--network",
        "tiny",
        "--padding",
        "symmetric",
        *SMALL,
        "--resolution",
        "16",
    ]
    done = scalesearch(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = (
        "tensors named as timm's; of its network: silu, batch norm's epsilon 0.00001, symmetric padding, pixels by"
    )
    assert said in done.stdout.replace("\n", " ")
    (written,) = (tmp_path / "results").glob("*/weights.safetensors")
    definition = read_weights(written).definition
    assert isinstance(definition, Baseline)
    assert definition.architecture.batch_norm_eps == Decimal("0.00001")
