"""Geodesics: against rows of Karney's published test set, PROJ's C geodesic, and integrals in extended precision.

The rows are of GeodTest.dat (C. F. F. Karney, Test set for geodesics, 2010, doi:10.5281/zenodo.32156): some of each of
its classes. Each gives latitude and azimuth at the first point (its longitude is 0), latitude, longitude and azimuth at
the second, and the distance, to 1e-18 degree and 0.1 micrometre.
"""

import numpy as np
import pytest

from keepclear.geo import geodesy
from sim.detect import precise
from sim.detect.flights import Flights, direct, inverse

MICROMETRE = 1e-6
PUBLISHED = """
# anywhere
35.602540598169 111.870427868602 -19.406200172031696834 78.995799629955596127 126.810557548058637274 10299779.6328425
23.287785477695 87.82760486416 20.452440593866921854 35.797365608165841143 101.554180235008647064 3703998.3106422
26.813239275204 120.859611476541 -39.698767815933469987 117.744100212100258315 95.703240331323238135 14167447.3099024
22.377301391995 158.636122297665 -58.575743237342527379 44.072498935701243344 139.846628614263799893 9845423.0412075
7.226780878364 160.809968779511 -56.51915729310626949 33.742869850536527084 143.859731963095060454 7709737.0619647
59.801956595509 63.92337109715 -59.729524672336685617 179.435039799382973226 116.328737198856636806 19978769.1563271
# nearly antipodal
20.423135394589 169.895260694771 -21.179388017798691648 179.757116934570412271 10.155770628519677379 19917969.3423672
27.309748283686 42.992025359754 -27.199405115762465758 179.519281684356260685 137.060636244128391097 19974878.5154436
80.469322885334 105.156200975107 -80.476682352349668002 179.7382617668365442 75.0065742603772431 19999908.8578331
# short
18.725775553796 98.927919777265 18.724785210853172866 0.006615636046166963 98.930043600815390181 706.2676803
47.900780879363 148.758779524609 47.899309788344023215 0.001327005894209747 148.759764131627358008 191.3088022
60.077425015363 81.639916890942 60.078197903525388982 0.010531670881733178 81.649044728416379082 592.5766309
8.849455388939 129.673344478389 8.843107684651578467 0.007694428892432052 129.674527758774555025 1099.6867173
# one end near a pole
89.991989548145 90.383140967854 -61.038150741515986969 89.631261715462284382 179.983444547483440057 16771704.5214092
89.992862960035 26.020973811583 67.650349673107735103 153.971406836372110945 179.991762047058247147 2495797.0749906
89.990486671257 91.714885655236 44.98505487875443047 88.275585060623460608 179.986533008752595814 5018650.3399733
# both ends near opposite poles
89.996344967961 118.710939348963 -89.996002848213014514 114.609255826886658305 126.679770857297993955 20003468.6532733
89.999847105665 147.852478424891 -89.993713719591968804 32.889046880852145269 179.258473830612758201 20003214.918664
# nearly meridional
26.010745808687 0.001066006762 64.958396828764391273 0.001576658648546905 0.002258602266785352 4328675.605565
11.748740014024 179.996037064439 -8.293112205271585557 0.001363527637285404 179.996078816520333091 2216358.685784
# nearly equatorial
0.003311913742 90.001862369144 0.001762385472585824 32.846794581272844 90.003358355630087731 3656488.4472191
0.002214721753 90.004938778767 0.001604859709652937 6.860305943586887695 90.005167722849785647 763685.766878
# between vertices
23.225828498891 90.0 -23.225828498891 179.44518683104154539 90.0 19975528.4919571414229
62.409951053785 90.0 -62.409951053785 179.719937697335980499 90.0 19996692.197447633611
"""


def rows():
    """The six columns."""
    return np.loadtxt(PUBLISHED.splitlines()).T


def test_rows_of_the_published_set_both_ways():
    lat1, azi1, lat2, lon2, azi2, s12 = rows()
    distance, _, _ = geodesy.inverse(lat1, 0.0, lat2, lon2)
    assert np.abs(distance - s12).max() < MICROMETRE
    lat, lon, azimuth = geodesy.direct(lat1, 0.0, azi1, s12)
    assert inverse(lat, lon, lat2, lon2)[0].max() < MICROMETRE
    # A course is worth what it moves: beside a pole it turns as the meridians do.
    beside_m = np.radians(np.abs((azimuth - azi2 + 180) % 360 - 180)) * 6.4e6 * np.cos(np.radians(lat2))
    assert beside_m.max() < 1e-5


def test_the_judge_of_extended_precision_knows_the_published_set():
    lat1, azi1, lat2, lon2, _, s12 = rows()
    short = s12 < 1.1e7
    end = precise.direct(precise.place(lat1[short], 0 * s12[short], azi1[short]), s12[short].astype(precise.REAL))
    lat, lon = end.degrees()
    assert inverse(lat, lon, lat2[short], lon2[short])[0].max() < 1e-8


def everywhere(rng, count):
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    lat[:300], lat[300:600], lat[600:900] = 90, -90, 0
    lon = rng.uniform(-180, 180, count)
    lon[::7] = 180
    return lat, lon


@pytest.mark.parametrize("far_m", [1.0, 9_260.0, 400_000.0, 4_000_000.0])
def test_distances_and_places_are_those_of_the_c_library_to_a_micrometre(far_m):
    """A metre over 400 km is asked."""
    rng = np.random.default_rng(int(far_m))
    lat, lon = everywhere(rng, 20_000)
    lat2, lon2, _ = direct(lat, lon, rng.uniform(0, 360, 20_000), np.full(20_000, far_m))
    assert np.abs(geodesy.distance_m(lat, lon, lat2, lon2) - inverse(lat, lon, lat2, lon2)[0]).max() < MICROMETRE
    course = rng.uniform(-360, 360, 20_000)
    theirs, ours = direct(lat, lon, course, np.full(20_000, far_m)), geodesy.direct(lat, lon, course, far_m)
    assert inverse(ours[0], ours[1], theirs[0], theirs[1])[0].max() < MICROMETRE


def test_distances_of_moving_flights_are_those_of_the_integrals():
    rng = np.random.default_rng(9)
    n = 2_000
    lat, lon = everywhere(rng, n)
    lat2, lon2, _ = direct(lat, lon, rng.uniform(0, 360, n), rng.uniform(0, 400_000, n))
    zero = np.zeros(2 * n, dtype=np.int64)
    course, speed = rng.uniform(0, 360, 2 * n), rng.uniform(0, 300, 2 * n)
    flights = Flights(np.append(lat, lat2), np.append(lon, lon2), course, speed, zero, zero, zero, zero == 0)
    i, time_s = np.arange(n), rng.uniform(0, 900, n)
    one, two = (
        geodesy.direct(f.lat, f.lon, f.course, f.speed_mps * time_s) for f in (flights.take(i), flights.take(i + n))
    )
    apart = geodesy.distance_m(one[0], one[1], two[0], two[1])
    assert np.abs(apart - precise.apart_m(flights, i, i + n, time_s)).max() < MICROMETRE
