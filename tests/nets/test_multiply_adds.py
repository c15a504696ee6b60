"""Every multiply-add that torch executes is counted, fused or not; what cannot be counted is named."""

from __future__ import annotations

from decimal import Decimal

import pytest
import torch
from fused import Attention, Calls
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import CountError, InputError
from scalesearch.nets.factory import count_factory, load_factory
from scalesearch.nets.multiply_adds import MultiplyAddCounter, count_forward, is_free_operator

ONE = Decimal(1)


def counted(name: str, px: int = 64) -> FactoryNetwork:
    return count_factory(load_factory(f"fused:{name}"), ONE, ONE, px)


def test_two_encoder_layers_by_hand() -> None:
    """16 × 16 tokens of 64: stem, (projections, Q·Kᵀ and ·V, output, 64 → 128 → 64) twice, classifier."""
    tokens, width = 256, 64
    layer = 4 * tokens * width**2 + 2 * tokens**2 * width + 2 * tokens * width * 128
    assert counted("encoder").macs == 3 * 16 * width * tokens + 2 * layer + 10 * width == 34_341_504


@pytest.mark.parametrize("name", ["attention", "unfused_attention", "multihead"])
def test_attention_counts_the_same_however_it_is_written(name: str) -> None:
    network = counted(name)
    assert network.macs == 25_952_896
    outputs_a_block = 256 * 3 * 64 + 4 * 256 * 256 + 256 * 64 + 256 * 64
    assert network.activations == 64 * 256 + 2 * outputs_a_block + 10


def run(network: nn.Module, *inputs: Tensor) -> tuple[int, int, Tensor]:
    with torch.no_grad(), MultiplyAddCounter() as counter:
        result = network(*inputs)
    assert not counter.unknown
    return counter.macs, counter.activations, result[0] if isinstance(result, tuple) else result


class LoopedLstm(nn.Module):
    """The equations of torch's LSTM (input, forget, cell, output gate), a step at a time."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, steps_TNC: Tensor) -> Tensor:
        to_gates, between_gates, bias, other_bias = self.lstm.parameters()
        hidden = cell = torch.zeros(steps_TNC.shape[1], self.lstm.hidden_size)
        outputs = []
        for step in steps_TNC:
            gates = F.linear(step, to_gates, bias) + F.linear(hidden, between_gates, other_bias)
            i, f, g, o = gates.chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
            outputs.append(hidden)
        return torch.stack(outputs)


class LoopedGru(nn.Module):
    """The equations of torch's GRU (reset, update, new), a step at a time."""

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self.gru = gru

    def forward(self, steps_TNC: Tensor) -> Tensor:
        to_gates, between_gates, bias, other_bias = self.gru.parameters()
        hidden = torch.zeros(steps_TNC.shape[1], self.gru.hidden_size)
        outputs = []
        for step in steps_TNC:
            there = F.linear(step, to_gates, bias).chunk(3, 1)
            here = F.linear(hidden, between_gates, other_bias).chunk(3, 1)
            reset, update = (there[0] + here[0]).sigmoid(), (there[1] + here[1]).sigmoid()
            hidden = (1 - update) * (there[2] + reset * here[2]).tanh() + update * hidden
            outputs.append(hidden)
        return torch.stack(outputs)


def test_recurrent_layers_count_as_their_equations() -> None:
    steps_TNC = torch.rand(7, 2, 5)
    lstm, gru = nn.LSTM(5, 3), nn.GRU(5, 3)
    for layer, looped in ((lstm, LoopedLstm(lstm)), (gru, LoopedGru(gru))):
        fused, plain = run(layer, steps_TNC), run(looped, steps_TNC)
        assert fused[:2] == plain[:2]
        torch.testing.assert_close(fused[2], plain[2])
    assert run(nn.LSTM(5, 3), steps_TNC)[0] == 7 * 2 * 4 * 3 * (5 + 3)
    both_ways = nn.LSTM(5, 3, num_layers=2, bidirectional=True)
    assert run(both_ways, steps_TNC)[0] == 7 * 2 * 2 * 4 * 3 * ((5 + 3) + (6 + 3))
    assert run(nn.LSTM(5, 6, proj_size=2), steps_TNC)[0] == 7 * 2 * (4 * 6 * (5 + 2) + 6 * 2)
    assert run(nn.RNN(5, 3), steps_TNC)[0] == 7 * 2 * 3 * (5 + 3)
    assert run(nn.LSTMCell(5, 3), steps_TNC[0])[0] == 2 * 4 * 3 * (5 + 3)


def test_attention_puts_out_what_its_unfused_form_does() -> None:
    fused, plain = Attention(12, 3), Attention(12, 3, fused=False)
    plain.load_state_dict(fused.state_dict())
    tokens = torch.rand(2, 5, 12)
    (macs, outputs, first), (macs_2, outputs_2, second) = run(fused, tokens), run(plain, tokens)
    assert (macs, outputs) == (macs_2, outputs_2)
    torch.testing.assert_close(first, second)


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, call: object) -> None:
        super().__init__()
        self.call = call

    def forward(self, *inputs: Tensor) -> Tensor:
        result: Tensor = self.call(*inputs)  # type: ignore[operator]
        return result


A, B, V = torch.rand(4, 2, 5), torch.rand(4, 5, 3), torch.rand(5)
PRODUCTS = [
    ("broadcast", lambda a, b: a[0] @ b, 4 * 2 * 5 * 3),
    ("bmm", torch.bmm, 4 * 2 * 5 * 3),
    ("baddbmm", lambda a, b: torch.baddbmm(torch.zeros(4, 2, 3), a, b), 4 * 2 * 5 * 3),
    ("addbmm", lambda a, b: torch.addbmm(torch.zeros(2, 3), a, b), 4 * 2 * 5 * 3),
    ("einsum", lambda a, b: torch.einsum("nij,njk->nik", a, b), 4 * 2 * 5 * 3),
    (
        "einsum of three, pair by pair",
        lambda a, b: torch.einsum("nij,njk,kl->nil", a, b, V[None].expand(3, 5)),
        None,
    ),
    ("tensordot", lambda a, b: torch.tensordot(a, b, ([2], [1])), 4 * 2 * 5 * 4 * 3),
    ("vector", lambda a, b: a @ V, 4 * 2 * 5),
    ("mv", lambda a, b: a[0] @ V, 2 * 5),
    ("dot", lambda a, b: V @ V, 5),
    ("outer by addr", lambda a, b: torch.addr(torch.zeros(5, 5), V, V), 25),
    ("linear", lambda a, b: F.linear(a, B[0].T), 4 * 2 * 5 * 3),
    ("conv1d", lambda a, b: F.conv1d(a, torch.rand(7, 2, 3)), 4 * 7 * 2 * 3 * 3),
    ("transposed", lambda a, b: F.conv_transpose1d(a, torch.rand(2, 6, 3)), 4 * 5 * 2 * 6 * 3),
    ("grouped", lambda a, b: F.conv1d(a, torch.rand(6, 1, 3), groups=2), 4 * 3 * 6 * 1 * 3),
    (
        "cross attention",
        lambda a, b: F.scaled_dot_product_attention(a[:, None], torch.rand(4, 1, 7, 5), torch.rand(4, 1, 7, 3)),
        4 * 2 * 7 * (5 + 3),
    ),
    (
        "causal",
        lambda a, b: F.scaled_dot_product_attention(a[:, None], a[:, None], a[:, None], is_causal=True),
        4 * 2 * 2 * 10,
    ),
]


@pytest.mark.parametrize(("call", "macs"), [pytest.param(call, macs, id=name) for name, call, macs in PRODUCTS])
def test_products_by_hand(call: object, macs: int | None) -> None:
    expected = macs or min(4 * 2 * 5 * 3 + 4 * 2 * 3 * 5, 4 * 5 * 3 * 5 + 4 * 2 * 5 * 5)
    assert run(Function(call), A, B)[0] == expected


def test_shared_keys_count_once_a_query() -> None:
    """Grouped-query attention: four heads of queries over two of keys."""
    query, key = torch.rand(2, 4, 3, 8), torch.rand(2, 2, 5, 8)
    call = Function(lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True))
    assert run(call, query, key)[0] == 2 * 4 * 3 * 5 * (8 + 8)


class Double(torch.autograd.Function):
    """A product inside an autograd function of a user's own."""

    @staticmethod
    def forward(ctx: object, left: Tensor, right: Tensor) -> Tensor:
        return left @ right


def test_what_torch_wraps_is_seen_through() -> None:
    product = Function(torch.bmm)
    assert run(Function(Double.apply), A, B)[0] == 120
    assert run(Function(torch.jit.trace(product, (A, B))), A, B)[0] == 120  # type: ignore[no-untyped-call]
    compiled: nn.Module = torch.compile(Calls(nn.Conv2d(6, 6, 3, padding=1)))  # type: ignore[assignment]
    counter, _ = count_forward(compiled, torch.rand(1, 3, 8, 8))
    assert counter.macs == 8 * 8 * 9 * (3 * 6 + 6 * 6) + 6 * 5


REFUSED = [
    ("fourier", "executes aten::_fft_c2r, operators on complex numbers, whose multiply-adds are not known"),
    ("custom_operator", "executes scalesearch_tests::mix, whose multiply-adds are not known"),
    ("through_numpy", "hands values to NumPy, where multiply-adds cannot be counted"),
    ("threads", "computes in other threads, where multiply-adds cannot be counted"),
    ("complex_product", "executes operators on complex numbers, whose"),
    ("inference_mode", "runs in torch.inference_mode, where operators are not told apart; use torch.no_grad"),
    ("condition", "executes torch's cond, whose multiply-adds cannot be counted"),
    ("two_heads", "into logits (N, classes), but in training it gives tuple"),
]


@pytest.mark.parametrize(("name", "reason"), REFUSED)
def test_what_cannot_be_counted_is_refused_by_name(name: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        counted(name, 8)
    assert f"fused:{name}(depth=1" in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_network_that_computes_other_things_each_time_is_refused() -> None:
    with pytest.raises(CountError, match="must compute the same for every image"):
        counted("other_by_image", 8)


def test_unknown_operators_are_not_taken_for_free() -> None:
    carriers = (
        "linear matmul einsum lstm gru conv2d bilinear cdist _trilinear _fft_r2c scaled_dot_product_attention "
        "linalg_multi_dot tensordot _native_multi_head_attention _transformer_encoder_layer_fwd"
    )
    assert [name for name in carriers.split() if is_free_operator(f"aten::{name}")] == []
    free = (
        "relu_ gelu softmax layer_norm native_batch_norm max_pool2d_with_indices cat view mean abs_ "
        "upsample_bilinear2d roll index_select pixel_shuffle eq_"
    )
    assert [name for name in free.split() if not is_free_operator(f"aten::{name}")] == []
