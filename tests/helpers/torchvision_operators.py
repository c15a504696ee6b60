"""torchvision beside a CPU-only torch: its compiled operators are missing there, and importing it fails."""

from __future__ import annotations

import torch

_OPERATORS = (
    "nms",
    "qnms",
    "roi_align",
    "qroi_align",
    "_roi_align_backward",
    "roi_pool",
    "_roi_pool_backward",
    "ps_roi_align",
    "_ps_roi_align_backward",
    "ps_roi_pool",
    "_ps_roi_pool_backward",
    "deform_conv2d",
    "_deform_conv2d_backward",
)
"""Those that torchvision's `_meta_registrations.py` gives shapes to; no classification network calls one."""

_library: torch.library.Library | None = None


def define_operators() -> None:
    """Declare the operators, so that `import torchvision` works; for good, in this process."""
    global _library
    if _library is None:
        _library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in _OPERATORS:
            _library.define(f"{name}(Tensor any) -> Tensor")  # type: ignore[no-untyped-call]
