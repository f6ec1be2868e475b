"""What the plan's polygons are used for: codes of Urban Atlas, and its labels of 2012."""

URBAN_DENSE, URBAN_HIGH, URBAN_MEDIUM, URBAN_LOW = 11100, 11210, 11220, 11230
INDUSTRY, MOTORWAY, ROAD, RAILWAY = 12100, 12210, 12220, 12230
GREEN, SPORT, ARABLE, PASTURE, FOREST, WATER = 14100, 14200, 21000, 23000, 31000, 50000

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
