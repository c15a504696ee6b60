"""Only for `make test-interop`: the main environment has neither timm nor torchvision."""

from __future__ import annotations

import os

collect_ignore_glob = [] if "SCALESEARCH_INTEROP" in os.environ else ["test_*.py"]

if "SCALESEARCH_INTEROP" in os.environ:
    from torchvision_operators import define_operators

    define_operators()
