"""Count the multiply-adds of whatever torch executes, operator by operator, for users' own networks.

fvcore reads a traced graph and counts a fused operator (attention, a recurrent layer) as nothing. Here every
operator is seen as torch dispatches it, below autograd functions and fused modules. It is counted by a closed form,
or known to multiply no matrices, or reported as unknown so that the caller can refuse the network.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from math import prod
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scalesearch.errors import InputError

_CostFormula = Callable[[Sequence[Any], Any], tuple[int, int]]
"""Maps an operator's arguments and result to its multiply-adds and the number of outputs of its matrix products."""


class MultiplyAddCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # missing from the stubs
    """Counts every operator that runs while it is active.

    Convolutions, linear layers and matrix products are counted. Element-wise operators, reductions, normalisation,
    pooling, interpolation and data movement are not, as in fvcore and the paper.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.by_operator: Counter[str] = Counter()
        """Multiply-adds by torch's name of the operator."""
        self.activations = 0
        """The number of outputs of convolutions, linear layers and matrix products."""
        self.unknown: Counter[str] = Counter()
        """Operators that are neither counted nor known to multiply no matrices, and how often each ran."""

    @property
    def macs(self) -> int:
        """The multiply-adds of all operators."""
        return sum(self.by_operator.values())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if torch.is_inference_mode_enabled():
            raise InputError("runs in torch.inference_mode, where operators are not told apart; use torch.no_grad")
        result = func(*args, **(kwargs or {}))
        namespace, _, name = func.name().partition("::")
        name = name.partition(".")[0]
        formula = _FORMULAS.get(name.removesuffix("_")) if namespace == "aten" else None
        if any(isinstance(value, Tensor) and value.is_complex() for value in tree_leaves(result)):
            self.unknown["operators on complex numbers"] += 1  # a complex product is three or four real ones
        elif formula is not None:
            macs, outputs = formula(_positional(func, args, kwargs or {}), result)
            self.by_operator[name] += macs
            self.activations += outputs
        elif not is_free_operator(f"{namespace}::{name}"):
            self.unknown[f"{namespace}::{name}"] += 1
        return result


def count_forward(network: nn.Module, image_NCHW: Tensor) -> tuple[MultiplyAddCounter, Any]:
    """Return the count of one forward pass without gradients, and its result.

    Fused encoder layers are switched to their unfused form, whose operators have closed forms.

    Raises:
        InputError: values leave torch for NumPy, or the thread for another, where nothing can be counted; or an
            operator takes functions, such as `torch.cond`, whose branches cannot be distinguished.
    """
    try:
        with torch.no_grad(), _unfused(), _refuse_other_threads(), _RefuseNumpy(), MultiplyAddCounter() as counter:
            logits = network(image_NCHW)
    except NotImplementedError as error:  # torch raises it for operators that a dispatch mode cannot see into
        if "HigherOrderOperator" not in str(error):
            raise
        name = re.search(r"HigherOrderOperator (\w+)", str(error))
        operator = f"torch's {name[1]}" if name else "an operator that takes functions"
        raise InputError(f"executes {operator}, whose multiply-adds cannot be counted; write it without") from error
    return counter, logits


@contextmanager
def _refuse_other_threads() -> Iterator[None]:
    """Refuse work in other threads, which no dispatch mode sees."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise InputError("computes in other threads, where multiply-adds cannot be counted; compute in the one")

    methods: tuple[tuple[type, str], ...] = (
        (threading.Thread, "start"),
        (ThreadPoolExecutor, "submit"),
        (ProcessPoolExecutor, "submit"),
    )
    originals = [getattr(owner, name) for owner, name in methods]
    for owner, name in methods:
        setattr(owner, name, refuse)
    try:
        yield
    finally:
        for (owner, name), function in zip(methods, originals, strict=True):
            setattr(owner, name, function)


@contextmanager
def _unfused() -> Iterator[None]:
    was_enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # A compiled module would call generated code that no dispatcher sees.
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_enabled)


class _RefuseNumpy(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__name__", "") in ("numpy", "__array__", "__dlpack__"):
            raise InputError("hands values to NumPy, where multiply-adds cannot be counted; compute them in torch")
        return func(*args, **(kwargs or {}))


def _positional(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return the operator's arguments in the order of its schema, with None for missing ones."""
    names = [argument.name for argument in func._schema.arguments]
    return [*args, *(kwargs.get(name) for name in names[len(args) :])]


def _convolution(args: Sequence[Any], result: Tensor) -> tuple[int, int]:
    """Count every weight at every output position; for a transposed convolution at every input position."""
    images, weight, transposed = args[0], args[1], args[6]
    positions = images.shape[2:] if transposed else result.shape[2:]
    return images.shape[0] * prod(positions) * weight.numel(), result.numel()


def _product(left: int, right: int) -> _CostFormula:
    """Return the formula of a product of the arguments at `left` (…, m, k) and `right` (…, k, n) or (k,)."""

    def formula(args: Sequence[Any], _: Any) -> tuple[int, int]:
        first, second = args[left], args[right]
        columns = second.shape[-1] if second.dim() > 1 else 1
        outputs = prod(first.shape[:-1]) * columns
        return outputs * first.shape[-1], outputs

    return formula


def _addr(args: Sequence[Any], _: Any) -> tuple[int, int]:
    """Count an outer product."""
    outputs = args[1].numel() * args[2].numel()
    return outputs, outputs


def _attention(args: Sequence[Any], _: Any) -> tuple[int, int]:
    """Count Q·Kᵀ and its product with V (Vaswani et al. 2017, eq. 1), masked or not, as two batched products.

    Query (…, heads, L, E), key (…, heads, S, E), value (…, heads, S, V); keys may be shared by groups of heads.
    """
    query, key, value = args[:3]
    pairs = prod(query.shape[:-1]) * key.shape[-2]
    width = value.shape[-1]
    return pairs * (query.shape[-1] + width), pairs + prod(query.shape[:-1]) * width


def _recurrent_layer(args: Sequence[Any], _: Any) -> tuple[int, int]:
    """Count oneDNN's recurrent layer over (steps, N, features): both weight matrices once a step and sequence."""
    inputs, to_gates, between_gates = args[0], args[1], args[2]
    num_steps = prod(inputs.shape[:-1])
    gates = to_gates.shape[0] + between_gates.shape[0]
    return num_steps * (to_gates.numel() + between_gates.numel()), num_steps * gates


_PRODUCT = _product(0, 1)
_ADDED_PRODUCT = _product(1, 2)
_FORMULAS: dict[str, _CostFormula] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "mm": _PRODUCT,
    "bmm": _PRODUCT,
    "mv": _PRODUCT,
    "dot": _PRODUCT,
    "vdot": _PRODUCT,
    "_int_mm": _PRODUCT,
    "addmm": _ADDED_PRODUCT,
    "_addmm_activation": _ADDED_PRODUCT,
    "addmv": _ADDED_PRODUCT,
    "baddbmm": _ADDED_PRODUCT,
    "addbmm": _ADDED_PRODUCT,
    "addr": _addr,
    "mkldnn_rnn_layer": _recurrent_layer,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
    "_scaled_dot_product_fused_attention_overrideable": _attention,
}

_FREE_NAMES = re.compile(
    r"""
    (native_|_native_)?(batch|layer|group)_norm \w* | _?weight_norm\w* | linalg_(vector_norm|cross) | renorm | norm
  | _?(safe_|masked_|log_)?(softmax|sigmoid) \w* | _fused_rms_norm\w* | rms_norm\w*
  | _?(adaptive_|fractional_)?(avg|max)_?(un)?pool[123]d \w*
  | _?upsample_\w+ | grid_sampler_\w+ | _grid_sampler_\w+ | affine_grid_generator | im2col | col2im
  | (reflection|replication|constant)_pad_?\w+ | pixel_(un)?shuffle | channel_shuffle
  | (nan)?(sum|mean|median|prod|amax|amin|max|min|any|all|std|var|logsumexp|mode)(_mean)?
  | std_mean | var_mean | arg(max|min|sort) | count_nonzero | is_all_true | _is_any_true
  | equal | isin | allclose | hist\w+ | bincount
  | cum(sum|prod|max|min) | _?logcumsumexp | trace | tri[ul](_indices)?
  | sort | topk | kthvalue | unique\w* | _unique\w* | bucketize | searchsorted | nonzero\w*
  | embedding | _?embedding_(bag|renorm)\w* | _?index(_\w+)? | _unsafe_index\w* | gather | scatter\w*
  | segment_reduce | take | put | masked_(fill|scatter|select) | select_scatter | slice_scatter | diagonal_scatter
  | as_strided_scatter
  | _?(cat|stack|copy|clone|repeat|roll|flip|rot90|tile|unfold|narrow|block_diag|diag_embed)(_\w+)?
  | repeat_interleave | unsafe_(split|chunk)\w* | \w+_copy | _?unsafe_view | _reshape_\w+ | as_strided | resize\w*
  | set | lift\w* | detach\w* | alias | (un)?squeeze | transpose | t | fill | zero
  | (empty|zeros|ones|full|rand|randn|randint)(_like|_strided|_permuted)? | new_\w+ | scalar_tensor | eye
  | arange | range | linspace | logspace | (hann|hamming|blackman|kaiser|bartlett)_window | _efficientzerotensor
  | _to_copy | _local_scalar_dense | _assert\w* | _pin_memory | record_stream | is_\w+ | item
  | (native_|_fused_)?dropout | bernoulli | uniform | normal | exponential | random\w* | randperm | multinomial
  | poisson | glu | huber_loss | (binary_)?cross_entropy\w* | mse_loss | smooth_l1_loss | nll_loss\w*
  | complex | polar | _prelu_kernel
  | hardswish | gelu | mish | threshold | rrelu\w* | log_sigmoid_forward | floor_divide | rsub | xlogy
  | _foreach_(?!mm)\w+ | _thnn_fused_(gru|lstm)_cell | _pack_padded_sequence | _fake_quantize\w* | fake_quantize\w*
  | bitwise_\w+ | __\w+__ | lerp | sym_\w+ | _?aminmax | _functional_assert\w* | _batch_norm_\w+
    """,
    re.VERBOSE,
)
"""Matches operators that torch does not mark as element-wise and that multiply no matrices.

The `_` of in-place forms is left out. A recurrent cell's fused kernel only adds up gates whose products were
computed before it."""

_FREE_NAMESPACES = ("prim", "profiler", "debugprims")


@lru_cache(maxsize=1024)
def is_free_operator(name: str) -> bool:
    """Return whether an operator such as `aten::relu_` is known to multiply no matrices.

    torch's tags or its name tell it.
    """
    namespace, _, short = name.partition("::")
    if namespace != "aten":
        return namespace in _FREE_NAMESPACES and "PythonOp" not in short
    return any(
        _FREE_NAMES.fullmatch(variant) or _is_pointwise_or_view(variant)
        for variant in (short, short.removesuffix("_"))
    )


def _is_pointwise_or_view(name: str) -> bool:
    packet = getattr(torch.ops.aten, name, None)
    if packet is None:
        return False
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    return any(torch.Tag.pointwise in operator.tags or operator.is_view for operator in overloads)
