"""The times that a forecast starts from."""

import numpy as np
import pytest

from sciml.errors import InputError
from weather.forecasting.initial import past_times, require_times


def test_a_missing_past_state_is_explained(waves):
    start = waves.time.values[:1]
    require_times(waves, past_times(start, 1, 6 * 3600))
    with pytest.raises(InputError, match=r"at 2000-12-31T18:00.*the model reads 2 states"):
        require_times(waves, past_times(start, 2, 6 * 3600))
    with pytest.raises(InputError, match="which the forecast starts from; the data"):
        require_times(waves, past_times(start + np.timedelta64(1, "h"), 1, 6 * 3600))
