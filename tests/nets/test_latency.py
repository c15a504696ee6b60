"""Measuring a forward pass: no figure is tested, only that it is one."""

from __future__ import annotations

from dataclasses import replace

import torch

from scalesearch.design.baselines import load_baseline
from scalesearch.nets.latency import device_words, latencies


def test_every_network_has_a_time_and_no_thread_count_is_left_behind() -> None:
    before = torch.get_num_threads()
    networks = [replace(load_baseline(name).architecture, resolution=33) for name in ("tiny", "resnet18", "b0")]
    found = latencies(networks)
    assert len(found) == 3
    assert all(one.seconds > 0 for one in found)
    assert all(one.spread >= 0 for one in found)
    assert torch.get_num_threads() == before
    assert device_words()
