"""Training learns, repeats itself to the bit, stops when asked, and says when it diverged."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from small_training import CPU, bright_channel_data, curve, tiny_net
from torch import Tensor, nn

from scalesearch.errors import InputError
from scalesearch.nets.malloc import disable_malloc_trim
from scalesearch.proxy.optimizers import make_optimizer
from scalesearch.proxy.schedule import learning_rate, warmup_steps
from scalesearch.proxy.tensors import TrainingData, resize
from scalesearch.proxy.training import Diverged, train
from scalesearch.search.task import Epoch, Recipe

ROOT = Path(__file__).parents[2]
RECIPE = Recipe(epochs=3, batch=16, learning_rate=Decimal("0.1"))
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


def run(seed: int = 0, recipe: Recipe = RECIPE, data: TrainingData | None = None) -> list[Epoch]:
    return list(train(tiny_net(), data or bright_channel_data(), recipe, seed, CPU))


def test_it_learns_and_counts() -> None:
    epochs = run()
    assert [epoch.index for epoch in epochs] == [1, 2, 3]
    # 100 images are 6 full batches of 16; the last 4 images of each epoch are dropped.
    assert [epoch.samples for epoch in epochs] == [96, 192, 288]
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert epochs[-1].val_accuracy > 0.9
    assert all(epoch.seconds > 0 for epoch in epochs)


def test_fewer_images_than_a_batch_are_one_batch() -> None:
    assert [epoch.samples for epoch in run(data=bright_channel_data(11, 5))] == [11, 22, 33]


def test_validation_is_exact_whatever_the_batch() -> None:
    data, model = bright_channel_data(), tiny_net()
    last = list(train(model, data, RECIPE, 0, CPU))[-1]
    with torch.no_grad():
        logits = model.eval()((data.val_images_NCHW / 255 - 0.5) / 0.25)
    expected = nn.functional.cross_entropy(logits, data.val_labels_N).item()
    assert last.val_loss == pytest.approx(expected, rel=1e-5)
    assert last.val_accuracy == (logits.argmax(1) == data.val_labels_N).float().mean().item()


def test_the_same_seed_gives_the_same_bits_whatever_happens_between_epochs() -> None:
    expected = curve(run())
    epochs = []
    for epoch in train(tiny_net(), bright_channel_data(), RECIPE, 0, CPU):
        torch.rand(3)
        epochs.append(epoch)
    assert curve(epochs) == expected
    assert curve(run(seed=1)) != expected


def test_the_global_random_state_is_left_alone() -> None:
    epochs = train(tiny_net(), bright_channel_data(), RECIPE, 0, CPU)
    before = torch.get_rng_state()
    next(epochs)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_process_gets_the_same_bits() -> None:
    program = (
        "import sys, torch; torch.set_num_threads(1); sys.path.insert(0, 'tests/helpers'); "
        "from tests.proxy.test_training import curve, run; "
        "print(curve(run()))"
    )
    command = [sys.executable, "-c", program]
    there = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert there.strip() == str(curve(run()))


class Spy(nn.Module):
    """Remembers the batches that it is trained on."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.seen.append(images)
        logits: Tensor = self.layer(images)
        return logits


def test_two_networks_see_the_same_batches() -> None:
    spies = Spy(tiny_net(1)), Spy(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3)))
    for spy in spies:
        list(train(spy, bright_channel_data(), RECIPE, 5, CPU))
    assert len(spies[0].seen) == 18
    for first, second in zip(spies[0].seen, spies[1].seen, strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(spies[0].seen[0], spies[0].seen[6])
    assert spies[0].seen[0].is_contiguous(memory_format=torch.channels_last)


def test_epochs_are_trained_only_when_asked_for() -> None:
    spy = Spy(tiny_net())
    epochs = train(spy, bright_channel_data(), RECIPE, 0, CPU)
    assert not spy.seen
    next(epochs)
    assert len(spy.seen) == 6


def test_divergence_names_its_epoch() -> None:
    hopeless = replace(RECIPE, learning_rate=Decimal(1000), weight_decay=Decimal(10), warmup=Decimal(0))
    with pytest.raises(Diverged, match="in epoch 1") as caught:
        run(recipe=hopeless)
    assert caught.value.epoch == 1


def test_weights_decay_but_biases_and_norms_do_not() -> None:
    model = tiny_net()
    groups = make_optimizer(model, RECIPE, CPU).param_groups
    decayed = {id(p) for group in groups if group["weight_decay"] > 0 for p in group["params"]}
    names = {name for name, p in model.named_parameters() if id(p) in decayed}
    assert names == {"0.weight", "3.weight", "6.weight", "11.weight"}
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_no_momentum_is_plain_descent() -> None:
    assert len(run(recipe=replace(RECIPE, momentum=Decimal(0)))) == 3


def test_the_schedule_in_full() -> None:
    recipe = replace(RECIPE, learning_rate=Decimal("0.8"), warmup=Decimal("0.3"))
    rates = [learning_rate(step, 10, recipe) for step in range(11)]
    golden = [0.2, 0.4, 0.6, 0.8, 0.760388, 0.649396, 0.489008, 0.310992, 0.150604, 0.039612, 0.0]
    assert rates == pytest.approx(golden, abs=1e-6)
    assert warmup_steps(10, recipe) == 3


def test_the_schedule_at_its_ends() -> None:
    flat = replace(RECIPE, warmup=Decimal(0))
    assert learning_rate(0, 4, flat) == 0.1
    assert learning_rate(2, 4, flat) == pytest.approx(0.05)
    almost_all = replace(RECIPE, warmup=Decimal("0.999"))
    assert warmup_steps(1, almost_all) == 0
    assert learning_rate(0, 1, almost_all) == 0.1


def test_resize_averages_and_keeps_what_fits() -> None:
    images = bright_channel_data(px=12).train_images_NCHW
    assert torch.equal(resize(images, 12), images)
    small = resize(images, 5)
    assert small.shape == (100, 3, 5, 5)
    assert small.dtype == torch.uint8
    exact = nn.functional.interpolate(images.double(), (5, 5), mode="bilinear", antialias=True)
    assert (small.double() - exact).abs().max() <= 1
    assert (resize(torch.full((2, 3, 9, 9), 77, dtype=torch.uint8), 20) == 77).all()
    data = bright_channel_data(px=12).resized(7)
    assert data.train_images_NCHW.shape[2:] == data.val_images_NCHW.shape[2:] == (7, 7)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("train_images_NCHW", torch.zeros(100, 3, 8, 8), "train images are torch.float32"),
        ("val_images_NCHW", torch.zeros(30, 8, 8, dtype=torch.uint8), "3 dimensions"),
        ("train_labels_N", torch.zeros(99, dtype=torch.int64), r"train labels .*\(99,\) for 100 images"),
        ("val_labels_N", torch.zeros(30), "val labels are torch.float32"),
    ],
)
def test_wrong_data_is_refused(part: str, value: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(bright_channel_data(), **{part: value})


def test_no_images_are_refused() -> None:
    nothing = torch.zeros(0, 3, 8, 8, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64)
    with pytest.raises(InputError, match="at least one image"):
        TrainingData(*nothing, *nothing)


def test_keeping_memory_saves_page_faults() -> None:
    program = (
        "import resource, sys\n"
        "from scalesearch.nets.malloc import disable_malloc_trim\n"
        "applied = sys.argv[1] == 'keep' and disable_malloc_trim()\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def work() -> None: [b'x' * 2**22 for _ in range(4)]\n"
        "work(); before = faults()\n"
        "for _ in range(5): work()\n"
        "print(int(applied), faults() - before)"
    )

    def faults(word: str) -> list[int]:
        command = [sys.executable, "-c", program, word]
        return [int(n) for n in subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.split()]

    applied, kept = faults("keep")
    if not applied:
        pytest.skip("the C library here is not glibc")
    _, given_back = faults("default")
    assert kept < given_back / 4


def test_keeping_memory_does_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert disable_malloc_trim() is False


@pytest.mark.gpu
@needs_gpu
def test_on_a_gpu_it_learns_in_bf16_and_the_data_stays_there() -> None:
    device = torch.device("cuda")
    spy = Spy(tiny_net())
    dtypes = []
    spy.layer[0].register_forward_hook(lambda module, given, output: dtypes.append(output.dtype))  # type: ignore[index]
    epochs = list(train(spy, bright_channel_data(), replace(RECIPE, epochs=6), 0, device))
    assert epochs[-1].val_accuracy > 0.8
    assert set(dtypes) == {torch.bfloat16}
    assert all(images.device.type == "cuda" for images in spy.seen)


@pytest.mark.gpu
@needs_gpu
def test_on_a_gpu_the_batches_are_those_of_the_cpu() -> None:
    spies = Spy(tiny_net()), Spy(tiny_net())
    for spy, device in zip(spies, (CPU, torch.device("cuda")), strict=True):
        next(train(spy, bright_channel_data(), RECIPE, 5, device))
    for first, second in zip(spies[0].seen, spies[1].seen, strict=True):
        torch.testing.assert_close(first, second.cpu())


@pytest.mark.gpu
@needs_gpu
def test_on_a_gpu_divergence_is_seen() -> None:
    hopeless = replace(RECIPE, learning_rate=Decimal(1000), weight_decay=Decimal(10), warmup=Decimal(0))
    with pytest.raises(Diverged):
        list(train(tiny_net(), bright_channel_data(), hopeless, 0, torch.device("cuda")))
