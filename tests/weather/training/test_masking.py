"""Pre-training's loss against closed forms, and what it hides."""

import pytest
import torch

from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.training.data import all_variables, open_fields, samples
from weather.training.masking import MaskedFields, MaskedFieldsConfig, draw


class Told:
    """A model that tells what it is given; the truth is zero everywhere but as told."""

    def __init__(self, surface, upper, truth=None):
        self.told, self.truth = (surface, upper), truth

    def reconstruct(self, batch, hidden):
        self.hidden = hidden
        return self.told

    def normalized(self, batch):
        return self.truth or tuple(torch.zeros_like(told) for told in self.told)


@pytest.fixture(scope="module")
def batch(waves_file):
    dataset = open_reanalysis(waves_file)
    fields = open_fields(dataset, all_variables(dataset, ()), memory=1)
    return samples(fields, (fields.times[0], fields.times[-1]), 0, 1).__getitems__([0, 7, 20])


def objective(batch, counted=None, **options):
    return MaskedFields(MaskedFieldsConfig(**options), batch.variables, batch.grid, counted)


def errors(batch, value=0.0):
    return (torch.full_like(batch.surface[:, 0], value), torch.full_like(batch.upper[:, 0], value))


@pytest.mark.parametrize("value", [0.0, 1.0, 3.0])
def test_the_same_error_everywhere_is_its_square(batch, value):
    loss, terms = objective(batch)(Told(*errors(batch, value)), batch)
    assert float(loss) == pytest.approx(value**2, rel=1e-5)
    assert terms == {}


def test_only_hidden_cells_count(batch):
    config = MaskedFieldsConfig(block=(1, 2, 4))
    torch.manual_seed(5)
    hidden = draw(config, batch)
    told = [torch.where(h, 2.0, 1e6) for h in hidden]
    torch.manual_seed(5)
    loss, _ = MaskedFields(config, batch.variables, batch.grid)(Told(*told), batch)
    assert float(loss) == pytest.approx(4.0, rel=1e-5)


def test_cells_count_by_their_area(batch):
    told = errors(batch)
    told[0][..., 0, :] = 1.0  # the row nearest the pole
    told[1][..., 0, :] = 1.0
    area = torch.from_numpy(LatLonGrid.area_weights(batch.grid))
    whole = objective(batch, share=0.999999, whole=0.0)
    loss, _ = whole(Told(*told), batch)
    assert float(loss) == pytest.approx(float(area[0] / area.sum()), rel=1e-4)


def test_masked_cells_do_not_count(batch):
    told = errors(batch)
    surface, upper = (torch.ones(t.shape[1:], dtype=torch.bool) for t in told)
    surface[:, 2], upper[:, :, 2] = False, False
    for fields in told:
        fields[..., 2, :] = torch.nan
        fields[..., 3, :] = 2.0
    loss, _ = objective(batch, (surface, upper), share=0.9, block=(4, 1, 1))(Told(*told), batch)
    assert 0 < float(loss) < 4


def test_shares_of_what_is_hidden(batch):
    torch.manual_seed(0)
    big = MaskedFieldsConfig(share=0.3, whole=0.0, block=(1, 2, 2))
    seen = torch.cat([draw(big, batch)[1].float().flatten() for _ in range(200)])
    assert float(seen.mean()) == pytest.approx(0.3, abs=0.01)
    often = MaskedFieldsConfig(share=0.01, whole=0.4, block=(2, 4, 8))
    whole = torch.cat([draw(often, batch)[0].flatten(2).all(dim=2).flatten() for _ in range(300)])
    assert float(whole.float().mean()) == pytest.approx(0.4, abs=0.05)


def test_blocks_are_hidden_as_wholes(batch):
    torch.manual_seed(1)
    hidden = draw(MaskedFieldsConfig(whole=0, block=(1, 1, 4)), batch)[0]
    edges = (hidden.int().diff(dim=-1) != 0).any(dim=(0, 1, 2)).nonzero().flatten() + 1
    assert (edges % 4 == edges[0] % 4).all()


def test_what_is_hidden_follows_from_the_seed(batch):
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        drawn.append(draw(MaskedFieldsConfig(block=(1, 2, 4)), batch)[1])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0][0], drawn[0][1])  # nor are samples alike
