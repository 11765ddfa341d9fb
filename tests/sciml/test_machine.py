"""Memory and speed of the machine that runs the tests."""

import torch

from sciml.machine import Speed, available, resident


def test_memory_of_this_process_and_of_the_machine():
    before = resident()
    block = torch.ones(2**24)
    assert 0.9 * 2**26 < resident() - before < 1.2 * 2**26
    assert available("cpu") > 2**26
    assert len(block) == 2**24


def test_speed_adds_work_and_traffic():
    speed = Speed(flops=10.0, bytes=5.0)
    assert speed.seconds(30.0, 10.0) == 5.0


def test_speed_is_measured():
    for backward in (False, True):
        speed = Speed.measure("cpu", backward=backward)
        assert speed.flops > 1e8
        assert speed.bytes > 1e7
