"""Throughput of the training loader beside the raw read rate of the store it reads.

    python benchmarks/loader.py            # 1.5 and 5.625 degrees, 5 x 13 + 4 fields
    python benchmarks/loader.py --shape 721x1440 --times 12

A store is prepared from made-up analyses with a spectrum like the atmosphere's. Then, in
turns: every chunk is read once with zarr, many at a time (the raw rate); and one epoch of
shuffled batches of two consecutive times goes through the loader to a loop that only
takes them. Both count bytes of float32 that arrive. A ratio is that of two rounds next to
each other; the median of all rounds is reported, in wall-clock and in CPU seconds. Files
are in the page cache: what is measured is the work beside the disk, the part a loader can
waste.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import xarray as xr
import zarr
from torch.utils.data import BatchSampler, RandomSampler

from sciml.prefetch import PrefetchingLoader
from weather.grid import LatLonGrid
from weather.training.data import samples
from weather.training.loader import StoreFields
from weather.training.prepare import Preparation, prepare
from weather.training.store import Compression, arrays
from weather.variables import Variables

HERE = Path(__file__).parent
UPPER, SURFACE = ("z", "t", "u", "v", "q"), ("msl", "t2m", "u10", "v10")
LEVELS = tuple(
    float(level) for level in (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)
)
BATCH = 8
SIX_HOURS = 21600


def analyses(times: int, shape: tuple[int, int], path: Path) -> None:
    """Made-up analyses: noise with power k^-3 along longitude and latitude, 6-hourly."""
    rows, columns = shape
    lat, lon = np.linspace(90, -90, rows), np.arange(columns) * 360 / columns
    random = np.random.default_rng(0)
    wave = np.hypot(
        *np.meshgrid(np.fft.fftfreq(rows) * rows, np.arange(columns // 2 + 1), indexing="ij")
    )
    amplitude = np.maximum(wave, 1) ** -1.5

    def field(*leading: int) -> np.ndarray:
        phase = np.exp(2j * np.pi * random.random((*leading, *amplitude.shape)))
        values = np.fft.irfft2(amplitude * phase, s=shape)
        return (250 + 10 * values / values.std()).astype(np.float32)

    when = np.datetime64("2000-01-01", "ns") + np.arange(times) * np.timedelta64(6, "h")
    dims = ("time", "level", "latitude", "longitude")
    template = {name: (dims, lambda: field(1, len(LEVELS))) for name in UPPER}
    template |= {name: ((dims[0], *dims[2:]), lambda: field(1)) for name in SURFACE}
    coordinates = {"level": np.array(LEVELS), "latitude": lat, "longitude": lon}
    for number in range(times):
        step = {name: (axes, make()) for name, (axes, make) in template.items()}
        dataset = xr.Dataset(step, {"time": when[number : number + 1], **coordinates})
        dataset["latitude"].attrs["units"] = "degrees_north"
        dataset["longitude"].attrs["units"] = "degrees_east"
        dataset.to_netcdf(path / f"{number:05d}.nc")


def raw(store: Path) -> int:
    """Read every chunk once, sixteen times of a variable together; bytes that arrived."""
    group = zarr.open_group(store, mode="r")
    arrived = 0
    for name in (*UPPER, *SURFACE):
        array = group[name]
        step = 16 * array.chunks[0]
        arrived += sum(
            array[first : first + step].nbytes for first in range(0, array.shape[0], step)
        )
    return arrived


def loaded(fields: StoreFields) -> int:
    """One epoch of shuffled batches; bytes that arrived."""
    data = samples(fields, (fields.times[0], fields.times[-1] + 1), SIX_HOURS, 2)
    sampler = RandomSampler(data, generator=torch.Generator().manual_seed(0))
    batches = BatchSampler(sampler, BATCH, drop_last=True)
    loader = PrefetchingLoader(data, batch_sampler=batches, collate_fn=lambda batch: batch)
    return sum(batch.surface.nbytes + batch.upper.nbytes for batch in loader)


def rate(work: Callable[[], int]) -> dict[str, float]:
    """MB/s of wall-clock and of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    size = work() / 1e6
    return {"wall": size / (time.perf_counter() - wall), "cpu": size / (time.process_time() - cpu)}


def compare(store: Path, rounds: int) -> dict[str, float]:
    """Rates and ratios, medians over rounds; the first round warms up."""
    dataset = xr.open_dataset(store, engine="zarr")
    variables = Variables(surface=SURFACE, upper=UPPER, levels=LEVELS)
    grid, times = LatLonGrid.from_dataset(dataset), dataset["time"].values
    fields = StoreFields(store, times, LEVELS, variables, grid)
    turns = [(rate(lambda: raw(store)), rate(lambda: loaded(fields))) for _ in range(rounds + 1)][
        1:
    ]
    result: dict[str, float] = {}
    for clock in ("wall", "cpu"):
        result[f"raw_{clock}"] = statistics.median(r[clock] for r, _ in turns)
        result[f"loader_{clock}"] = statistics.median(x[clock] for _, x in turns)
        result[f"ratio_{clock}"] = statistics.median(x[clock] / r[clock] for r, x in turns)
    return result


def one(
    files: Path, shape: tuple[int, int], compression: Compression, length: int | None, rounds: int
) -> dict[str, object]:
    """One row: a store made from files, and what is read from it."""
    store = files.parent / f"{compression}.zarr"
    prepare(
        sorted(map(str, files.iterdir())),
        [],
        Preparation(compression=compression, time_chunk=length),
        store,
    )
    on_disk = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    fields = len(list(files.iterdir())) * (len(UPPER) * len(LEVELS) + len(SURFACE))
    chunk = arrays(store, ["t"])[0].chunks
    return {
        "compression": compression,
        "chunk": " x ".join(map(str, chunk)),
        "size": on_disk / (4 * fields * shape[0] * shape[1]),
        **compare(store, rounds),
    }


def table(rows: list[dict[str, object]]) -> str:
    """The rows in Markdown."""
    lines = [
        "| compression | chunk | size | raw MB/s | loader MB/s | loader / raw | in CPU time |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        "| {compression} | {chunk} | {size:.0%} | {raw_wall:.0f} | {loader_wall:.0f} | "
        "{ratio_wall:.0%} | {ratio_cpu:.0%} |".format(**row)
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and keep its results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=64)
    parser.add_argument("--shape", nargs="+", default=["121x240", "32x64"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compression", nargs="+", default=["lz4", "zstd", "none"])
    parser.add_argument("--time-chunk", type=int, help="default: that of weather prepare")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for text in options.shape:
        shape = (int(text.split("x")[0]), int(text.split("x")[1]))
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "files"
            files.mkdir()
            analyses(options.times, shape, files)
            for compression in options.compression:
                rows.append(one(files, shape, compression, options.time_chunk, options.rounds))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    packages = ", ".join(f"{name} {version(name)}" for name in ("zarr", "numcodecs", "torch"))
    stamp = (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {packages}, {machine}"
    )
    options.out.mkdir(exist_ok=True)
    (options.out / "loader.json").write_text(json.dumps({"run": stamp, "rows": rows}, indent=1))
    (options.out / "loader.md").write_text(f"{stamp}\n\n{table(rows)}\n")


if __name__ == "__main__":
    main()
