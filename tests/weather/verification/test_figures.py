"""Pictures of the scores: what is written lies on the paper."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from weather.verification.figures import curves
from weather.verification.one_pass import FORECAST
from weather.verification.table import ALL

TITLE = (
    "LEAKAGE: fine training, fine validation, coarse training; training period of gfs unknown\n"
    "8 initial times, 2026-07-29 00:00 to 2026-08-05 00:00 UTC; lead times 12 to 12 h; valid in "
    "JJA\nclimatology: mean (mean of the period, without cycles of day and year), fitted on 89 "
    "analyses, 2026-07-06 to 2026-07-28"
)


@pytest.mark.parametrize("fields", [1, 2, 5])
def test_headers_lie_on_the_paper(fields: int) -> None:
    row = {"system": FORECAST, "metric": "rmse", "region": "all", "season": ALL, "unit": "m s-1"}
    row |= {"value": 1.0, "lower": 0.9, "upper": 1.1}
    names = ("u10", "v10", "msl", "t850", "z500")[:fields]
    scores = pd.DataFrame([row | {"channel": c, "lead_hours": h} for c in names for h in (12, 24)])
    figure = curves(scores, {"rmse": "RMSE"}, TITLE)
    FigureCanvasAgg(figure).draw()
    (header,) = (text for text in figure.texts if "climatology" in text.get_text())
    assert header.get_text().split() == TITLE.split()
    inside, first = header.get_window_extent(), figure.axes[0].get_tightbbox()
    assert first is not None
    assert figure.bbox.x0 <= inside.x0 < inside.x1 <= figure.bbox.x1
    assert first.y1 <= inside.y0 < inside.y1 <= figure.bbox.y1
