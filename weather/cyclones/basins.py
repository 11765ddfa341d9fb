"""The basins in which warning centres count tropical cyclones, by ATCF's two letters."""

import numpy as np

# The Pacific coast of America, (lat, lon): what lies east of it and north of the equator
# belongs to the Atlantic.
_COAST = np.array(
    [(0, -77), (8, -77.5), (9, -80), (8.5, -82.5), (11, -85), (13, -87), (15, -91),
     (16.5, -94.5), (18, -97.5), (20, -102), (25, -106), (32, -112), (60, -130), (90, -140)]
)  # fmt: skip

BASINS = {
    "AL": "North Atlantic",
    "EP": "Eastern North Pacific",
    "CP": "Central North Pacific",
    "WP": "Western North Pacific",
    "IO": "North Indian Ocean",
    "SH": "South Indian Ocean and South Pacific",
    "SL": "South Atlantic",
}


def basin(lat: float, lon: float) -> str:
    """Basin of a point, as in ATCF: AL, EP (to 140 W), CP (to 180), WP (to 100 E), IO, SH, SL.

    Args:
        lat: degrees north.
        lon: degrees east, in any convention.
    """
    east = (lon + 180) % 360 - 180
    if lat < 0:
        return "SL" if -70 <= east < 20 else "SH"
    if east > np.interp(lat, _COAST[:, 0], _COAST[:, 1]) and east < 30:
        return "AL"
    if east < -140:
        return "CP"
    if east < 0:
        return "EP"
    return "IO" if east < 100 else "WP"
