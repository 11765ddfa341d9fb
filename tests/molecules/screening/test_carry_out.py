"""A screen that is ended, cut into shards or given to workers finds the same."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from molecules.files.table import demo_library
from molecules.prediction.parallel import Workers, workers
from molecules.screening import carry_out as module
from molecules.screening.carry_out import begin, carry_out, progress_path
from molecules.screening.job import Job, read_shard
from molecules.screening.merge_files import merge_files
from molecules.screening.progress_file import Progress
from molecules.screening.screen_file import make_job, shard_path
from sciml.cli import progress as progress_bar
from sciml.errors import InputError

ROWS = 400


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = demo_library().read_text().splitlines()[:ROWS]
    lines[7::50] = ["bad( broken"] * len(lines[7::50])
    lines[100:140] = lines[200:240]  # molecules that occur twice
    path = tmp_path_factory.mktemp("library") / "library.smi"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def job(model_file: Path, library: Path) -> Job:
    return make_job(
        model_file, [str(library)], targets=["logS", "toxic:min:0.5"], top=12, part_rows=16
    )


def run(job: Job, out: Path, shard: int = 1, pool: Workers = Workers()) -> Progress:  # noqa: B008
    progress = begin(job, shard, out)
    with progress_bar() as bar:
        carry_out(progress, pool, bar, out)
    return progress


def content(progress: Progress, path: Path) -> str:
    progress.save(path)
    return path.read_text()


def same(first: Progress, second: Progress, folder: Path) -> None:
    assert first.screen.counts.total() == ROWS
    assert content(first, folder / "first.json") == content(second, folder / "second.json")


def test_a_file_gives_back_what_was_found(job: Job, tmp_path: Path) -> None:
    whole = run(job, tmp_path / "hits.html")
    whole.save(tmp_path / "saved.json")
    same(whole, Progress.load(tmp_path / "saved.json"), tmp_path)


def test_the_bar_counts_what_is_done(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen_part, seen = module.screen_part, []
    with progress_bar() as bar:

        def looks(job: Job, task: object) -> object:
            seen.append(bar.tasks[0].completed)
            return screen_part(job, task)  # type: ignore[arg-type]

        monkeypatch.setattr(module, "screen_part", looks)
        carry_out(begin(job, 1, tmp_path / "hits.html"), Workers(), bar, tmp_path / "hits.html")
        assert seen == list(range(0, ROWS, 16))
        assert bar.tasks[0].completed == bar.tasks[0].total == ROWS


def test_one_model_file_twice_finds_the_same(
    job: Job, model_file: Path, library: Path, tmp_path: Path
) -> None:
    told = ["logS", "toxic:min:0.5"]
    twice = make_job([model_file] * 2, [str(library)], targets=told, top=12, part_rows=16)
    assert twice.difference(job) == "another model"
    whole, other = run(job, tmp_path / "one.html"), run(twice, tmp_path / "two.html")
    assert other.screen.best.ranked() == whole.screen.best.ranked()


def test_goes_on_where_it_was_ended(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(job, tmp_path / "whole.html")
    monkeypatch.setattr(module, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(module, "_SHARE", 1e9)
    out, screen_part = tmp_path / "hits.html", module.screen_part
    for allowed in (5, 7, 1):

        def fails(job: Job, task: object, left: list[int] = [allowed]) -> object:  # noqa: B006
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return screen_part(job, task)  # type: ignore[arg-type]

        monkeypatch.setattr(module, "screen_part", fails)
        with pytest.raises(KeyboardInterrupt):
            run(job, out)
    monkeypatch.setattr(module, "screen_part", screen_part)
    assert Progress.load(progress_path(out)).parts == 13
    same(whole, run(job, out), tmp_path)


def test_another_job_does_not_go_on(job: Job, library: Path, tmp_path: Path) -> None:
    out = tmp_path / "hits.html"
    Progress(job, 1, parts=3).save(progress_path(out))
    with pytest.raises(InputError, match="top 12, not 5"):
        begin(job.model_copy(update={"top": 5}), 1, out)
    rough = job.model_copy(update={"model": replace(job.model, precision="bfloat16")})
    with pytest.raises(InputError, match="precision float32, not bfloat16"):
        begin(rough, 1, out)
    with pytest.raises(InputError, match="another shard"):
        begin(job, 2, out)
    changed = job.files[0].model_copy(update={"digest": "other"})
    with pytest.raises(InputError, match="another library"):
        begin(job.model_copy(update={"files": (changed,)}), 1, out)
    elsewhere = job.model_copy(update={"model": replace(job.model, device="cuda")})
    assert begin(elsewhere, 1, out).parts == 3
    progress_path(out).write_text("{}")
    with pytest.raises(InputError, match="is no shard"):
        begin(job, 1, out)


def test_shards_merge_to_the_whole(job: Job, tmp_path: Path) -> None:
    whole = run(job, tmp_path / "whole.html")
    job = job.model_copy(update={"shards": 3})
    paths = []
    for shard in (1, 2, 3):
        paths.append(shard_path(tmp_path / "hits.html", shard, 3))
        run(job, paths[-1], shard).save(paths[-1])
    first, second = tmp_path / "first.html", tmp_path / "second.html"
    hits = merge_files(paths, first)
    merge_files(paths[::-1], second)
    assert first.read_text() == second.read_text()
    assert [row.hit for row in hits] == whole.screen.best.ranked()
    with pytest.raises(InputError, match="missing: 2/3"):
        merge_files([paths[0], paths[2]], first)
    with pytest.raises(InputError, match="given twice"):
        merge_files([*paths, paths[0]], first)
    rough = {"model": replace(job.model, precision="bfloat16")}
    for other, told in (({"top": 7}, "top 7"), (rough, "precision bfloat16, not float32")):
        Progress(job.model_copy(update=other), 2, complete=True).save(paths[1])
        with pytest.raises(InputError, match=f"different screens: one has {told}"):
            merge_files(paths, first)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/2/3", "-1/3"])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="the third of sixteen"):
        read_shard(text)


@pytest.mark.slow
def test_killed_with_workers(job: Job, tmp_path: Path) -> None:
    whole = run(job, tmp_path / "whole.html")
    out = tmp_path / "hits.html"
    process = multiprocessing.get_context("spawn").Process(target=_slowly, args=(job, out))
    process.start()
    _wait(lambda: progress_path(out).exists() and Progress.load(progress_path(out)).parts > 3)
    process.kill()
    process.join()
    assert 3 < Progress.load(progress_path(out)).parts < ROWS // 16
    with workers(2) as pool:
        same(whole, run(job, out, pool=pool), tmp_path)


def _slowly(job: Job, out: Path) -> None:
    module.SAVE_SECONDS, module._SHARE = 0.0, 1e9
    screen_part = module.screen_part

    def slow(job: Job, task: object) -> object:
        time.sleep(0.2)
        return screen_part(job, task)  # type: ignore[arg-type]

    module.screen_part = slow  # type: ignore[assignment]
    run(job, out)


def _wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


@pytest.fixture
def event_loop() -> Iterator[None]:
    """Of this thread, which a server of another test may have closed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_dask_cluster_with_a_worker_killed(job: Job, tmp_path: Path, event_loop: None) -> None:
    distributed = pytest.importorskip("distributed")
    whole = run(job, tmp_path / "whole.html")
    out = tmp_path / "hits.html"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        nannies = list(cluster.workers.values())
        with workers(scheduler=cluster.scheduler_address) as pool:
            assert pool.submit is not None
            inner, handed = pool.submit, []

            def submit(work: object, part: object) -> object:
                handed.append(part)
                if len(handed) == 6:
                    nannies[0].process.process.kill()
                return inner(work, part)

            found = run(job, out, pool=Workers(submit, pool.ahead))  # type: ignore[arg-type]
    same(whole, found, tmp_path)


def test_no_cluster() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="no Dask scheduler"), workers(scheduler="nowhere:x"):
        pass
    with pytest.raises(InputError, match="both given"), workers(2, "tcp://127.0.0.1:1"):
        pass
    with pytest.raises(InputError, match="at least 1"), workers(0):
        pass


def test_order_of_results() -> None:
    assert list(Workers().in_order(lambda part: part + 1, range(5))) == [1, 2, 3, 4, 5]
    assert not list(Workers().in_order(np.sqrt, []))
