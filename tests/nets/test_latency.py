"""Measuring a forward pass: no figure is tested, only that it is one."""

from __future__ import annotations

from dataclasses import replace

import torch

from scalesearch.design.baselines import load_baseline
from scalesearch.nets.latency import device_words, devices, latencies_beside, latency


def test_every_network_has_a_time_and_no_thread_count_is_left_behind() -> None:
    before = torch.get_num_threads()
    networks = [replace(load_baseline(name).architecture, resolution=33) for name in ("tiny", "resnet18", "b0")]
    heard: list[tuple[int, int]] = []
    base, found = latencies_beside(networks[0], networks[1:], runs=3, hear=lambda *turn: heard.append(turn))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert len(found) == 2
    for one in (base, *(beside.latency for beside in found)):
        assert one.seconds > 0
        assert one.spread >= 0
    assert all(one.ratio > 1 for one in found), "both have hundreds of times the multiply-adds"
    assert latency(networks[0]) > 0
    assert torch.get_num_threads() == before
    assert device_words()


def test_a_batch_takes_longer_than_an_image() -> None:
    network = replace(load_baseline("tiny").architecture, resolution=65)
    one = latencies_beside(network, [], runs=5, device="cpu")[0]
    many = latencies_beside(network, [], runs=5, batch=16, device="cpu")[0]
    assert many.seconds > 2 * one.seconds
    assert devices()[0] == "cpu"
