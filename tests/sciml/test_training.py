"""The trainer: best weights, exact resume, averaged weights, several processes."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from numpy.typing import NDArray
from torch import Tensor, nn

from sciml.callbacks import ExponentialAverage
from sciml.errors import InputError
from sciml.files import only_writer
from sciml.learner import OptimizerConfig, RateConfig, rate_at
from sciml.run_folder import is_first_process
from sciml.training import TrainingConfig, accelerator_here, fit, precision_here


@dataclass(frozen=True)
class Pairs:
    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> "Pairs":
        return Pairs(self.x.to(device), self.y.to(device))


class Source:
    """y = 2 x + 1 with some noise."""

    def __init__(self, samples: int = 32) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(samples, 3, generator=generator)
        self.y = 2 * self.x.sum(1, keepdim=True) + 1
        self.reads_left = 1000

    def __len__(self) -> int:
        return len(self.x)

    def __getitems__(self, indices: list[int]) -> Pairs:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise SystemError("killed")
        return Pairs(self.x[indices], self.y[indices])


class StoredSource(Source):
    """Read in runs of four samples."""

    @property
    def runs(self) -> NDArray[np.int64]:
        return np.arange(len(self)) // 4


class NoisySquares:
    """Squared error under input noise, so that the random state matters."""

    def __call__(self, model: nn.Module, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
        error = model(batch.x + 0.1 * torch.randn_like(batch.x)) - batch.y
        loss = error.square().mean()
        return loss, {"mae": error.abs().mean()}


def make_model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Tanh(), nn.Linear(8, 1))


def config(**changes: object) -> TrainingConfig:
    fields = {"epochs": 4, "batch_size": 8, "accelerator": "cpu"} | changes
    return TrainingConfig.model_validate(fields)


def history(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def weights(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_learns_and_logs(tmp_path: Path) -> None:
    model = make_model()
    result = fit(
        model,
        NoisySquares(),
        Source(),
        Source(16),
        config(epochs=60, optimizer=OptimizerConfig(lr=0.03)),
        tmp_path,
    )
    rows = history(tmp_path)
    assert len(rows) == result.epochs == 60
    assert float(rows[-1]["valid/loss"]) < 0.3 * float(rows[0]["valid/loss"])
    assert result.best_loss == pytest.approx(min(float(r["valid/loss"]) for r in rows), rel=1e-5)
    assert list((tmp_path / "tensorboard").glob("events*"))


@pytest.mark.parametrize("ema", [None, 0.9])
@pytest.mark.parametrize(
    ("accumulate", "data"), [(1, Source()), (2, Source()), (1, StoredSource())]
)
def test_resume_gives_the_weights_of_an_unbroken_run(
    tmp_path: Path, ema: float | None, accumulate: int, data: Source
) -> None:
    settings = {"ema_decay": ema, "accumulate": accumulate}
    unbroken, broken, resumed = make_model(), make_model(), make_model()
    fit(unbroken, NoisySquares(), data, Source(16), config(**settings), tmp_path / "a")

    class Killed(NoisySquares):
        calls = 0

        def __call__(self, model: nn.Module, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
            Killed.calls += 1
            if Killed.calls > 15:  # in the middle of the third epoch
                raise SystemError("killed")
            return super().__call__(model, batch)

    with pytest.raises(SystemError):
        fit(broken, Killed(), data, Source(16), config(**settings), tmp_path / "b")
    with torch.random.fork_rng():
        torch.manual_seed(999)  # a fresh process has another random state
        fit(resumed, NoisySquares(), data, Source(16), config(**settings), tmp_path / "b", True)
    assert torch.equal(weights(unbroken), weights(resumed))
    rows = [history(tmp_path / run) for run in "ab"]
    assert [r["valid/loss"] for r in rows[0]] == [r["valid/loss"] for r in rows[1]]


def test_a_step_of_fewer_batches_weighs_as_others(tmp_path: Path) -> None:
    """Five batches of a gradient of one, two and two and one to a step: all steps see one."""
    seen: list[float] = []

    class Slope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slope = nn.Parameter(torch.zeros(1, 1))
            self.slope.register_post_accumulate_grad_hook(self.note)

        def note(self, slope: Tensor) -> None:
            assert slope.grad is not None
            seen.append(slope.grad.item())

    def objective(model: Slope, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
        return model.slope.sum() + 0 * batch.x.sum(), {}

    settings = {"accumulate": 2, "epochs": 1, "gradient_clip": None}
    fit(Slope(), objective, Source(40), None, config(**settings), tmp_path)
    assert seen == [0.5, 1, 0.5, 1, 1]


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with only_writer(run), pytest.raises(InputError, match=r"is writing .*run; .* another --run"):
        fit(make_model(), NoisySquares(), Source(), None, config(), run)
    fit(make_model(), NoisySquares(), Source(), None, config(epochs=1), run)
    assert not list(tmp_path.glob(".*.lock"))


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"])
def test_the_first_process_of_all_writes_the_folder(name: str, monkeypatch) -> None:
    assert is_first_process()
    monkeypatch.setenv(name, "0")
    assert is_first_process()
    monkeypatch.setenv(name, "1")
    assert not is_first_process()


def test_a_run_resumed_with_workers_has_the_order_of_its_epoch(tmp_path: Path) -> None:
    unbroken, resumed = make_model(), make_model()
    steady = {"workers": 1, "optimizer": OptimizerConfig(schedule="constant", warmup=0)}
    fit(unbroken, NoisySquares(), Source(), None, config(epochs=2, **steady), tmp_path / "a")
    for epochs in (1, 2):
        settings = config(epochs=epochs, **steady)
        fit(resumed, NoisySquares(), Source(), None, settings, tmp_path / "b", resume=True)
    assert torch.equal(weights(unbroken), weights(resumed))


def test_a_run_resumed_for_longer_trains_or_is_refused(tmp_path: Path) -> None:
    """Of four batches, whole epochs may be more; two of three cannot become two of four."""

    def train(run: str, steps: int) -> int:
        arguments = (make_model(), NoisySquares(), Source(), None, config(max_steps=steps))
        return fit(*arguments, tmp_path / run, resume=True).steps

    assert [train("whole", steps) for steps in (8, 12)] == [8, 12]
    assert train("cut", 6) == 6
    with pytest.raises(InputError, match=r"begun with 3 batches in an epoch; .* make them 4"):
        train("cut", 8)
    assert train("cut", 9) == 9


@pytest.mark.parametrize("ema", [None, 0.9])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_snapshots_are_the_weights_on_the_way(
    tmp_path: Path, ema: float | None, accumulate: int
) -> None:
    """Of runs that end there, at a constant rate; a broken run keeps those of an unbroken one."""
    constant = OptimizerConfig(schedule="constant", warmup=0)
    settings = {"ema_decay": ema, "accumulate": accumulate, "optimizer": constant}
    steps = 16 // accumulate
    paths = {}
    for run in ("whole", "broken"):
        source, model = Source(), make_model()
        arguments = (model, NoisySquares(), source, None, config(**settings), tmp_path / run)
        if run == "broken":
            source.reads_left = 14  # ends in the last epoch, after a snapshot
            with pytest.raises(SystemError):
                fit(*arguments, snapshots=3)
            source.reads_left = 1000
        paths[run] = fit(*arguments, run == "broken", snapshots=3).snapshots
    for number, (whole, broken) in enumerate(zip(*paths.values(), strict=True), 1):
        kept = torch.load(whole, weights_only=True)
        again = torch.load(broken, weights_only=True)
        assert all(torch.equal(again[name], tensor) for name, tensor in kept.items())
        step = round(steps * (1 + number / 4) / 2)
        if step % (4 // accumulate) == 0:  # a run that ends there
            short = make_model()
            epochs = step * accumulate // 4
            fit(
                short, NoisySquares(), Source(), None, config(**settings | {"epochs": epochs}),
                tmp_path / f"short{number}",
            )  # fmt: skip
            assert torch.equal(weights(short), torch.cat([t.flatten() for t in kept.values()]))
    assert len(paths["whole"]) == 3


@pytest.mark.parametrize("steps", [2, 4, 6])
def test_an_end_within_an_epoch_still_validates(tmp_path: Path, steps: int) -> None:
    model = make_model()
    result = fit(model, NoisySquares(), Source(), Source(16), config(max_steps=steps), tmp_path)
    assert result.steps == steps
    assert len(history(tmp_path)) == -(-steps // 4)
    losses = [float(row["valid/loss"]) for row in history(tmp_path)]
    assert result.best_loss == pytest.approx(min(losses), rel=1e-5)


def test_no_more_steps_than_asked_for(tmp_path: Path) -> None:
    """Also where what is left of an epoch makes a step; the rate has then come to its end."""
    settings = config(batch_size=1, max_steps=10, accumulate=4)
    result = fit(make_model(), NoisySquares(), Source(15), None, settings, tmp_path)
    assert result.steps == 9
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert last["lr_schedulers"][0]["_last_lr"] == [0.0, 0.0]


def test_an_epoch_without_validation_tells_of_none(tmp_path: Path) -> None:
    settings = config(validate_every=2)
    fit(make_model(), NoisySquares(), Source(), Source(16), settings, tmp_path)
    assert [bool(row["valid/loss"]) for row in history(tmp_path)] == [False, True, False, True]


@pytest.mark.parametrize("more", [{}, {"max_steps": 10}])
def test_the_last_epoch_is_validated_whatever_its_number(more: dict, tmp_path: Path) -> None:
    settings = config(validate_every=3, epochs=4, **more)
    fit(make_model(), NoisySquares(), Source(), Source(16), settings, tmp_path)
    valid = [bool(row["valid/loss"]) for row in history(tmp_path)]
    assert valid == [number % 3 == 0 or number == len(valid) for number in range(1, len(valid) + 1)]


def test_frozen_parameters_stay(tmp_path: Path) -> None:
    model = make_model()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    fit(model, NoisySquares(), Source(), None, config(), tmp_path)
    assert torch.equal(before, model[0].weight)


def test_objective_with_a_head_trains_it(tmp_path: Path) -> None:
    class WithHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(1, 1)

        def forward(self, model: nn.Module, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
            return (self.head(model(batch.x)) - batch.y).square().mean(), {}

    objective = WithHead()
    before = objective.head.weight.clone()
    fit(make_model(), objective, Source(), None, config(), tmp_path)
    assert not torch.equal(before, objective.head.weight)


def test_an_objective_is_told_how_far_the_training_is(tmp_path: Path) -> None:
    class Recorder(NoisySquares):
        share = 1.0

        def __init__(self) -> None:
            self.seen: list[float] = []

        def __call__(self, model: nn.Module, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
            self.seen.append(self.share)
            return super().__call__(model, batch)

    objective = Recorder()
    fit(make_model(), objective, Source(), Source(8), config(epochs=2), tmp_path)
    assert objective.seen == [0, 1 / 8, 2 / 8, 3 / 8, 1, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1]


def test_early_stopping(tmp_path: Path) -> None:
    flat = config(epochs=50, patience=2, optimizer=OptimizerConfig(lr=1e-12))
    arguments = (NoisySquares(), Source(), Source(), flat, tmp_path)
    first = fit(make_model(), *arguments)
    assert first.epochs <= 4
    assert fit(make_model(), *arguments, resume=True).steps == first.steps  # it had ended


@pytest.mark.parametrize(("patience", "epochs"), [(1, 4), (2, 4), (4, 6), (None, 8)])
def test_patience_may_change_when_it_is_resumed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    patience: int | None,
    epochs: int,
) -> None:
    """The second of eight validations is the best; a run at its end does not go on."""

    class Worse(NoisySquares):
        share = 0.0

        def __call__(self, model: nn.Module, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
            loss, terms = super().__call__(model, batch)
            if model.training:
                self.epoch = int(8 * self.share)
                return loss, terms
            return 0 * loss + (2 if self.epoch == 0 else 1), terms

    def end(validations: int | None) -> int:
        settings = config(epochs=8, patience=validations)
        arguments = (make_model(), Worse(), Source(), Source(), settings, tmp_path)
        return fit(*arguments, resume=True).epochs

    assert end(2) == 4
    capsys.readouterr()
    assert end(patience) == epochs
    assert ("goes on" in capsys.readouterr().err) == (epochs > 4)


def test_a_model_that_had_predicted_is_trained_with_dropout(tmp_path: Path) -> None:
    modes = []

    class Watching(NoisySquares):
        def __call__(self, model: nn.Module, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
            modes.append(model.training)
            return super().__call__(model, batch)

    fit(make_model().eval(), Watching(), Source(), None, config(epochs=1), tmp_path)
    assert modes == [True] * 4


@pytest.mark.parametrize(
    ("train", "valid", "changes", "message"),
    [
        (Source(0), None, {}, "no training samples"),
        (Source(), Source(0), {}, "no validation samples"),
        (Source(), None, {"patience": 3}, "needs validation data"),
        (Source(), None, {"strategy": "fsdp", "ema_decay": 0.9}, "does not work with"),
        (Source(), Source(1), {"strategy": "ddp", "devices": 2}, "1 validation sample for 2 proc"),
    ],
)
def test_bad_settings(
    tmp_path: Path, train: Source, valid: Source | None, changes: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        fit(make_model(), NoisySquares(), train, valid, config(**changes), tmp_path)


def test_snapshots_of_a_training_too_short(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="8 snapshots of a training of 16 steps; it needs 18"):
        fit(make_model(), NoisySquares(), Source(), None, config(), tmp_path, snapshots=8)
    fsdp = config(strategy="fsdp")
    with pytest.raises(InputError, match="snapshots do not work with strategy fsdp"):
        fit(make_model(), NoisySquares(), Source(), None, fsdp, tmp_path, snapshots=2)


def test_loss_that_is_not_a_number(tmp_path: Path) -> None:
    source = Source()
    source.y[3] = float("nan")
    with pytest.raises(InputError, match="train/loss is nan in epoch 1; lower"):
        fit(make_model(), NoisySquares(), source, None, config(), tmp_path)


def test_rate_rises_then_falls_to_zero() -> None:
    cosine = OptimizerConfig(warmup=0.1)
    rates = [rate_at(step, 100, cosine) for step in range(101)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0)
    assert rate_at(80, 100, OptimizerConfig(schedule="constant")) == 1.0


def test_a_rate_that_begins_later_rises_and_falls_in_what_is_left() -> None:
    cosine = OptimizerConfig(warmup=0.1)
    assert [rate_at(step, 100, cosine, after=0.2) for step in (0, 19)] == [0.0, 0.0]
    late = [rate_at(step, 100, cosine, after=0.2) for step in range(20, 101)]
    assert late == [rate_at(step, 80, cosine) for step in range(81)]


def test_parameters_with_rates_of_their_own(tmp_path: Path) -> None:
    held, slow, fresh = make_model(), make_model(), make_model()
    for model, rate in ((held, RateConfig(after=0.99)), (slow, RateConfig(scale=1e-3))):
        optimizer = OptimizerConfig(lr=0.01, rates={"0.*": rate})
        fit(
            model,
            NoisySquares(),
            Source(),
            None,
            config(optimizer=optimizer),
            tmp_path / str(rate.scale),
        )
    before, still, moved = fresh[0].weight, held[0].weight, slow[0].weight
    assert torch.equal(before, still)
    assert 0 < (moved - before).abs().max() < 2e-4  # 16 steps of at most 1e-5 each
    assert all((model[3].weight - fresh[3].weight).abs().max() > 1e-2 for model in (held, slow))
    wrong = config(optimizer=OptimizerConfig(rates={"1.*": RateConfig()}))
    with pytest.raises(InputError, match=r"'1\.\*' matches no parameter"):
        fit(make_model(), NoisySquares(), Source(), None, wrong, tmp_path / "wrong")


@pytest.mark.parametrize(
    ("capability", "instructions", "expected"),
    [("AVX2", False, "32-true"), ("AVX512", False, "32-true"), ("AVX512", True, "bf16-mixed")],
)
def test_bfloat16_only_where_the_processor_has_it(capability, instructions, expected, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    assert precision_here(TrainingConfig(precision="auto", accelerator="cpu")) == expected
    assert precision_here(TrainingConfig(precision="bf16-mixed")) == "bf16-mixed"


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("gpu", False, "cuda")],
)
def test_a_gpu_is_one_of_cuda(
    monkeypatch: pytest.MonkeyPatch, asked: str, there: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert accelerator_here(TrainingConfig(accelerator=asked)) == expected


def test_the_average_lies_where_the_weights_do() -> None:
    average, learner = ExponentialAverage(0.9), LightningModule()
    learner.layer = nn.Linear(2, 2)
    average.setup(Trainer(logger=False, accelerator="cpu"), learner, "fit")
    learner.to("meta")
    average.on_fit_start(Trainer(logger=False, accelerator="cpu"), learner)
    assert {p.device.type for p in average.averaged.parameters()} == {"meta"}
