"""The folder of a training: nobody writes over it, and it goes on as it was begun."""

from pathlib import Path

import pytest
from pydantic import Field

from sciml.config import Config, load_config
from sciml.epochs import note_epochs
from sciml.errors import InputError
from sciml.run_folder import CONFIG, TOLD, claim_run, open_run, resumable
from sciml.training import TrainingConfig


class DataConfig(Config):
    """Some data."""

    train: str = "early"
    cache: Path | None = None
    tasks: dict[str, str] = Field({})


class StartConfig(Config):
    """Weights to start from."""

    checkpoint: Path = Path("base")


class RunConfig(Config):
    """A training on it."""

    data: DataConfig = DataConfig()
    transfer: StartConfig | None = None
    training: TrainingConfig = TrainingConfig()


def test_claim_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    claim_run(run, resume=False)
    claim_run(run, resume=False)  # still empty
    with pytest.raises(InputError, match="nothing to resume"):
        claim_run(tmp_path / "other", resume=True)
    (run / "config.yaml").write_text("x")
    claim_run(run, resume=True)
    with pytest.raises(InputError, match="not empty; add --resume"):
        claim_run(run, resume=False)


@pytest.mark.parametrize(
    "change",
    [
        "training.epochs=21",
        "training.workers=2",
        "training.devices=2",
        "training.patience=3",
        "data.cache=graphs",
    ],
)
def test_a_run_goes_on_for_longer_and_elsewhere(tmp_path: Path, change: str) -> None:
    run = tmp_path / "run"
    open_run(run, RunConfig(), resume=False)
    changed = load_config(RunConfig, None, [change])
    open_run(run, changed, resume=True)
    assert load_config(RunConfig, run / "config.yaml") == changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("data.train=late", "was begun with data.train early, not late"),
        ("data.tasks={logS: log}", "data.tasks {}, not {logS: log}"),
        ("transfer.checkpoint=other", "transfer null, not {checkpoint: other}"),
        ("training.optimizer.lr=0.1", "training.optimizer.lr 0.001, not 0.1"),
        ("training.epochs=19", "training.epochs 20"),
        ("training.max_steps=5", "training.max_steps null"),
    ],
)
def test_a_run_goes_on_with_what_it_was_begun(tmp_path: Path, change: str, words: str) -> None:
    run = tmp_path / "run"
    open_run(run, RunConfig(), resume=False)
    with pytest.raises(InputError, match=words):
        open_run(run, load_config(RunConfig, None, [change]), resume=True)
    assert load_config(RunConfig, run / "config.yaml") == RunConfig()


def test_a_run_of_finished_parts_does_not_grow(tmp_path: Path) -> None:
    open_run(tmp_path, RunConfig(), resume=False)
    open_run(tmp_path, RunConfig(), resume=True, may_grow=False)
    longer = load_config(RunConfig, None, ["training.epochs=21"])
    with pytest.raises(InputError, match=r"begun with training\.epochs 20, not 21"):
        open_run(tmp_path, longer, resume=True, may_grow=False)


@pytest.mark.parametrize("part", ["", "fold_0"])
def test_a_run_goes_on_in_more_epochs_but_not_in_longer_ones(tmp_path: Path, part: str) -> None:
    """What is refused is not noted as what the run was begun with."""

    def limited(steps: int, epochs: int = 20) -> RunConfig:
        training = TrainingConfig(batch_size=8, max_steps=steps, epochs=epochs)
        return RunConfig(training=training)

    open_run(tmp_path, limited(6), resume=False)
    note_epochs(tmp_path / part, 32, limited(6).training)  # two epochs of 3 of 4 batches
    for refused in (limited(8), limited(12), limited(16, 30)):
        with pytest.raises(InputError, match=r"was begun with 3 batches in an epoch; .* them 4: "):
            open_run(tmp_path, refused, resume=True)
    assert load_config(RunConfig, tmp_path / "config.yaml") == limited(6)
    open_run(tmp_path, limited(9), resume=True)  # three epochs of 3
    assert load_config(RunConfig, tmp_path / "config.yaml") == limited(9)


def test_a_key_may_be_free(tmp_path: Path) -> None:
    open_run(tmp_path / "run", RunConfig(), resume=False)
    changed = load_config(RunConfig, None, ["data.train=late"])
    open_run(tmp_path / "run", changed, resume=True, free=("data.train",))
    assert load_config(RunConfig, tmp_path / "run" / "config.yaml") == changed


def test_a_key_that_is_new_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: {train: early}\n")
    open_run(tmp_path, RunConfig(), resume=True)
    assert load_config(RunConfig, tmp_path / "config.yaml") == RunConfig()


@pytest.mark.parametrize(
    ("before", "resume", "told", "says"),
    [
        (False, False, False, True),
        (True, True, False, True),
        (True, True, True, False),  # by the training that was interrupted
        (True, False, False, False),  # the folder is another run's
    ],
)
def test_an_interrupt_outside_of_training_says_how_to_go_on_once(
    before: bool, resume: bool, told: bool, says: bool,
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def work() -> None:
        with resumable(tmp_path, resume):
            (tmp_path / CONFIG).touch()
            raise KeyboardInterrupt(*([TOLD] if told else []))

    if before:
        (tmp_path / CONFIG).touch()
    with pytest.raises(KeyboardInterrupt):
        work()
    said = "".join(capsys.readouterr().err.split("\n"))
    assert said == (f"stopped; --resume goes on with {tmp_path}" if says else "")
