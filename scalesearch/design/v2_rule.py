"""Apply EfficientNetV2's scaling rule: extra layers go to late stages, and images have at most 480 px.

Tan & Le 2021 (arXiv 2104.00298, section 3.3) scale V2-S as EfficientNet was scaled, with two changes. The
inference size is at most 480 px, "as very large images often lead to expensive memory and training speed
overhead". And "we also gradually add more layers to later stages (e.g., stage 5 and 6 in Table 4)", which adds
capacity at little runtime. The paper gives no numbers for the second change. Here all layers that the multiplier
adds go to the last two stages, in proportion to their depths. The published M and L add some layers to every
stage, and a seventh stage.
"""

from __future__ import annotations

from dataclasses import replace

from scalesearch.design.architecture import Architecture
from scalesearch.design.rounding import apportion_layers

LARGEST_PX = 480
"""The largest image side under the rule."""
_LATE = 2
"""How many stages at the end get the extra layers: 5 and 6 of V2-S's six."""


def with_late_layers(before: Architecture, after: Architecture) -> Architecture:
    """Return `after`, which was scaled from `before`, with all extra layers moved to the last two stages.

    Stages whose depth is fixed are not counted among these two. A network that has no extra layers is returned as
    it is.
    """
    extra = sum(after.depths) - sum(before.depths)
    if extra <= 0:
        return after
    indices = [index for index, stage in enumerate(before.stages) if not stage.depth_fixed][-_LATE:]
    late_depths = tuple(before.depths[index] for index in indices)
    new_depths = dict(zip(indices, apportion_layers(late_depths, sum(late_depths) + extra), strict=True))
    depths = tuple(new_depths.get(index, depth) for index, depth in enumerate(before.depths))
    return after.resized(after.widths, depths, after.resolution)


def cap_resolution(before: Architecture, after: Architecture) -> Architecture:
    """Return `after` with at most 480 px, or with at most as many as `before` where that has more.

    Of rectangles, this is the longer side.
    """
    largest = max(LARGEST_PX, before.longer_side)
    return after if after.longer_side <= largest else replace(after, resolution=before.proportional(largest))
