"""What the plan's polygons are used for: codes of Urban Atlas, and its labels of 2012."""

URBAN_DENSE = 11100
URBAN_HIGH = 11210
URBAN_MEDIUM = 11220
URBAN_LOW = 11230
INDUSTRY = 12100
MOTORWAY = 12210
ROAD = 12220
RAILWAY = 12230
GREEN = 14100
SPORT = 14200
ARABLE = 21000
PASTURE = 23000
FOREST = 31000
WATER = 50000

ITEMS = {
    11100: "Continuous urban fabric (S.L. : > 80%)",
    11210: "Discontinuous dense urban fabric (S.L. : 50% -  80%)",
    11220: "Discontinuous medium density urban fabric (S.L. : 30% - 50%)",
    11230: "Discontinuous low density urban fabric (S.L. : 10% - 30%)",
    12100: "Industrial, commercial, public, military and private units",
    12210: "Fast transit roads and associated land",
    12220: "Other roads and associated land",
    12230: "Railways and associated land",
    14100: "Green urban areas",
    14200: "Sports and leisure facilities",
    21000: "Arable land (annual crops)",
    23000: "Pastures",
    31000: "Forests",
    50000: "Water",
}
