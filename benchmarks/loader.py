"""Throughput of the training loader beside the raw read rate of the store it reads.

    python benchmarks/loader.py            # 1.5 and 5.625 degrees, 5 x 13 + 4 fields
    python benchmarks/loader.py --shape 721x1440 --size 4

A store is prepared from made-up analyses with a spectrum like the atmosphere's. Then, in
turns: every chunk is read once with zarr, many at a time (the raw rate); and one epoch of
batches of two consecutive times, in the order of training, goes through the loader to a
loop that only takes them. Both count bytes of float32 that arrive. A ratio is that of two
rounds next to each other; the median of all rounds is reported, in wall-clock and in CPU
seconds. Files are in the page cache: what is measured is the work beside the disk, the
part a loader can waste. A store has to be several times as large as the chunks that the
loader keeps: their size stands beside it.
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
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr
import zarr
from torch.utils.data import BatchSampler

from sciml.order import shuffled
from sciml.prefetch import PrefetchingLoader
from weather.checking.standard_atmosphere import standard_height
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
_PRESSURE = np.array(LEVELS)[:, None, None]
_HEIGHT = np.array([standard_height(level) for level in LEVELS])[:, None, None]
_HUMIDITY = 0.008 * (_PRESSURE / 1000) ** 3
CLIMATE = {  # unit, mean and standard deviation
    "z": ("m2 s-2", 9.80665 * _HEIGHT, 1000), "t": ("K", 250, 10), "u": ("m s-1", 0, 10),
    "v": ("m s-1", 0, 10), "q": ("kg kg-1", _HUMIDITY, 0.2 * _HUMIDITY),
    "msl": ("Pa", 101000, 1000), "t2m": ("K", 285, 10), "u10": ("m s-1", 0, 5),
    "v10": ("m s-1", 0, 5),
}  # fmt: skip
CHANNELS = len(UPPER) * len(LEVELS) + len(SURFACE)
FILE = 2**23  # values in a file
MEMORY = 8.0  # GiB, the default of `data.memory`


def analyses(times: int, shape: tuple[int, int], path: Path) -> None:
    """Made-up analyses: noise with power k^-3 along longitude and latitude, 6-hourly."""
    rows, columns = shape
    random = np.random.default_rng(0)
    wave = np.hypot(
        *np.meshgrid(np.fft.fftfreq(rows) * rows, np.arange(columns // 2 + 1), indexing="ij")
    )
    amplitude = np.maximum(wave, 1) ** -1.5

    def noise(*leading: int) -> np.ndarray:
        phase = np.exp(2j * np.pi * random.random((*leading, *amplitude.shape)))
        values = np.fft.irfft2(amplitude * phase, s=shape)
        return values / values.std()

    when = np.datetime64("2000-01-01", "ns") + np.arange(times) * np.timedelta64(6, "h")
    axes = {
        "level": ("level", np.array(LEVELS), {"units": "hPa"}),
        "latitude": ("latitude", np.linspace(90, -90, rows), {"units": "degrees_north"}),
        "longitude": ("longitude", np.arange(columns) * 360 / columns, {"units": "degrees_east"}),
    }
    together = max(1, FILE // (CHANNELS * rows * columns))
    for number, first in enumerate(range(0, times, together)):
        here = when[first : first + together]
        fields = {}
        for name, (units, mean, spread) in CLIMATE.items():
            levels = (len(LEVELS),) if name in UPPER else ()
            values = (mean + spread * noise(len(here), *levels)).astype(np.float32)
            dims = ("time", *("level" for _ in levels), "latitude", "longitude")
            fields[name] = (dims, values, {"units": units})
        xr.Dataset(fields, {"time": here, **axes}).to_netcdf(path / f"{number:05d}.nc")


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


def loaded(fields: StoreFields, epoch: int) -> int:
    """One epoch of batches; bytes that arrived."""
    data = samples(fields, (fields.times[0], fields.times[-1] + 1), SIX_HOURS, 2)
    order = shuffled(data, processes=1, rank=0, seed=0)
    order.set_epoch(epoch)
    batches = BatchSampler(order, BATCH, drop_last=True)
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
    fields = StoreFields(store, times, LEVELS, variables, grid, MEMORY)
    turns = [
        (rate(lambda: raw(store)), rate(partial(loaded, fields, epoch)))
        for epoch in range(rounds + 1)
    ][1:]
    result: dict[str, float] = {"kept": fields.kept * fields.chunk_bytes / 2**20}
    for clock in ("wall", "cpu"):
        result[f"raw_{clock}"] = statistics.median(r[clock] for r, _ in turns)
        result[f"loader_{clock}"] = statistics.median(x[clock] for _, x in turns)
        result[f"ratio_{clock}"] = statistics.median(x[clock] / r[clock] for r, x in turns)
    return result


def one(
    files: Path,
    times: int,
    shape: tuple[int, int],
    compression: Compression,
    length: int | None,
    rounds: int,
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
    chunk = arrays(store, ["t"])[0].chunks
    return {
        "compression": compression,
        "chunk": " x ".join(map(str, chunk)),
        "size": on_disk / (4 * times * CHANNELS * shape[0] * shape[1]),
        **compare(store, rounds),
    }


def table(rows: list[dict[str, object]]) -> str:
    """The rows in Markdown."""
    lines = [
        "| compression | chunk | size | kept | raw MB/s | loader MB/s | loader / raw | in CPU s |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        "| {compression} | {chunk} | {size:.0%} | {kept:.0f} MiB | {raw_wall:.0f} | "
        "{loader_wall:.0f} | {ratio_wall:.0%} | {ratio_cpu:.0%} |".format(**row)
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and keep its results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", type=float, default=2.0, help="GiB of float32 in a store")
    parser.add_argument("--shape", nargs="+", default=["121x240", "32x64"])
    parser.add_argument("--rounds", type=int, default=5)
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
            times = int(options.size * 2**28 / (CHANNELS * shape[0] * shape[1]))
            analyses(times, shape, files)
            for compression in options.compression:
                rows.append(
                    one(files, times, shape, compression, options.time_chunk, options.rounds)
                )
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
