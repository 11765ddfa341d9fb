"""Statistics in one pass, and normalization there and back."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from sciml.normalize import Normalizer, RunningMoments


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.floats(-1e6, 1e6))
def test_chunks_give_the_statistics_of_the_whole(sizes: list[int], offset: float) -> None:
    generator = torch.Generator().manual_seed(sum(sizes))
    rows = offset + torch.randn(sum(sizes), 3, dtype=torch.float64, generator=generator)
    moments = RunningMoments(3)
    for chunk in rows.split(sizes):
        moments.update(chunk)
    torch.testing.assert_close(moments.mean, rows.mean(0), rtol=1e-12, atol=1e-9)
    torch.testing.assert_close(moments.std, rows.std(0, correction=0), rtol=1e-8, atol=1e-8)


def test_unmeasured_values_do_not_count() -> None:
    nan = float("nan")
    moments = RunningMoments(2)
    moments.update(torch.tensor([[1.0, nan], [3.0, nan]]))
    moments.update(torch.tensor([[nan, 5.0]]))
    assert moments.mean.tolist() == [2.0, 5.0]
    assert moments.std.tolist() == [1.0, 0.0]


def test_round_trip_and_constant_channels() -> None:
    rows = torch.stack([torch.arange(8.0) * 1e4, torch.full((8,), 3.0)], dim=1)
    normalizer = Normalizer.fit([rows[:3], rows[3:]])
    x = normalizer.normalize(rows)
    torch.testing.assert_close(x[:, 0].std(correction=0), torch.tensor(1.0))
    assert not x[:, 1].any()
    torch.testing.assert_close(normalizer.denormalize(x), rows)
