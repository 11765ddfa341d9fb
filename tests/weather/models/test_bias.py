"""The Earth-specific table: its size, and who shares what."""

import torch

from sciml.transformer_config import BlockShape
from weather.models.bias import EarthBias, RelativeBias

PANGU = BlockShape(6, window=(2, 6, 12), windows=(4, 31, 30), periodic=(False, False, True))


def test_pangu_has_3312_entries_per_place_and_head():
    bias = EarthBias(PANGU)
    assert tuple(bias.table.shape) == (3312, 4 * 31, 6)
    assert bias.index.unique().numel() == 3312
    assert sum(b.numel() for b in bias.buffers()) == 144**2
    assert not bias.state_dict().keys() - {"table"}


def test_longitudes_share_a_table():
    values = EarthBias(PANGU)(None)
    assert tuple(values.shape) == (
        1,
        4 * 31,
        6,
        144,
        144,
    )  # no axis for the 30 windows in longitude


def test_within_a_window_longitude_counts_relatively_the_rest_absolutely():
    index = EarthBias(PANGU).index.view(2, 6, 12, 2, 6, 12)
    torch.testing.assert_close(index[:, :, 1:, :, :, 1:], index[:, :, :-1, :, :, :-1])
    rows = index[0, :, 0, 0, :, 0]
    assert rows.unique().numel() == 36  # every pair of latitudes has an entry of its own
    assert index[:, 0, 0, :, 0, 0].unique().numel() == 4


def test_relative_bias_depends_on_differences_alone():
    bias = RelativeBias(PANGU)
    assert bias.table.shape[0] == 3 * 11 * 23
    index = bias.index.view(2, 6, 12, 2, 6, 12)
    torch.testing.assert_close(index[:, 1:, :, :, 1:, :], index[:, :-1, :, :, :-1, :])
    assert tuple(bias(None).shape) == (1, 1, 6, 144, 144)


def test_a_regional_grid_has_a_table_for_each_longitude_too():
    shape = BlockShape(2, window=(3, 4), windows=(2, 5), periodic=(False, False))
    assert tuple(EarthBias(shape).table.shape) == (3**2 * 7, 10, 2)
