"""Two cities that several tests read and none changes."""

import pytest

from land_cover_cities import make_city, random_city
from urbancam.explaining.landcover.city import LandCover


@pytest.fixture(scope="module")
def city() -> LandCover:
    return make_city()


@pytest.fixture(scope="module")
def mixed() -> LandCover:
    return random_city()
