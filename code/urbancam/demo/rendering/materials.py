"""What things are made of: each material runs from a dark to a light colour, along one texture.

Colours are read off French 20 cm orthophotos by eye; they need not be exact, only tell materials
apart.
"""

from dataclasses import dataclass

import numpy as np

LEVELS = 64  # steps between the dark and the light colour of a material
SHADED = 128  # number of a material in shadow: its own plus this
SHADOW_TINT = np.array([0.42, 0.47, 0.55])  # of the lit colour: skylight is blue
HAZE_SHARE = 0.09  # of the light that comes from the air
HAZE_COLOUR = (134, 138, 134)
LOST_SATURATION = 0.05  # share
DIRECTIONS = 6  # of field rows and roof seams
FACINGS = 4  # how much a slope looks towards the sun, 0 away .. 3 towards
CROWN_SHADES = 5
CROWN_HUES = 5
PLANTS = ("grass", "leaf")  # textures of what grows


@dataclass(frozen=True)
class Material:
    """A dark and a light colour (RGB) and the name of the texture between them."""

    dark: tuple[float, ...]
    light: tuple[float, ...]
    texture: str = "fine"


def _around(
    colour: tuple[int, ...],
    spread: float,
    texture: str = "fine",
) -> Material:
    """A colour and its shades, `spread` darker and lighter."""
    dark = tuple(channel * (1 - spread) for channel in colour)
    light = tuple(channel * (1 + spread) for channel in colour)
    return Material(dark, light, texture)


def _bright(colour: tuple[int, ...], shine: float) -> tuple[float, ...]:
    """A colour `shine` times as bright."""
    return tuple(channel * shine for channel in colour)


_GROUNDS = {
    "asphalt": _around((128, 128, 133), 0.12),
    "asphalt_dark": _around((105, 106, 112), 0.12),
    "pavement": _around((172, 167, 160), 0.10),
    "concrete": _around((166, 164, 158), 0.14, "patchy"),
    "gravel": _around((178, 165, 142), 0.13, "patchy"),
    "courtyard": _around((158, 148, 134), 0.18, "patchy"),
    "lawn": Material((72, 98, 56), (140, 152, 94), "grass"),
    "lawn_mown": Material((92, 124, 66), (136, 158, 92), "grass"),
    "lawn_dry": Material((120, 122, 82), (182, 170, 122), "grass"),
    "verge": Material((86, 104, 62), (158, 156, 106), "grass"),
    "hedge": Material((38, 58, 36), (84, 104, 62), "leaf"),
    "shrubs": Material((44, 66, 40), (108, 122, 72), "leaf"),
    "understory": Material((26, 42, 26), (66, 84, 48), "leaf"),
    "meadow": Material((98, 122, 66), (164, 166, 100), "patchy"),
    "vegetables": Material((82, 74, 50), (118, 130, 74), "rows_1"),
    "soil": Material((128, 102, 76), (172, 142, 108), "patchy"),
    "path": _around((206, 192, 164), 0.07),
    "terrace": _around((204, 188, 164), 0.07),
    "flowers": Material((120, 62, 74), (220, 170, 90), "leaf"),
    "water": Material((58, 82, 82), (84, 108, 100), "ripples"),
    "water_edge": Material((66, 78, 60), (104, 112, 84), "ripples"),
    "pool": Material((92, 186, 204), (150, 222, 230), "ripples"),
    "ballast": Material((112, 98, 88), (160, 146, 132), "fine"),
    "rail": _around((92, 84, 82), 0.10),
    "sleeper": _around((88, 76, 68), 0.12),
    "paint": _around((226, 226, 222), 0.05),
    "track_red": _around((176, 92, 74), 0.06),
    "court_green": _around((70, 122, 96), 0.05),
    "court_blue": _around((76, 116, 160), 0.05),
    "clay": _around((198, 122, 84), 0.06),
    "turf_a": Material((86, 132, 66), (112, 152, 82), "grass"),
    "turf_b": Material((98, 146, 72), (124, 166, 90), "grass"),
    "sand": _around((222, 206, 170), 0.06),
}
_ROWS = {
    "wheat": ((178, 152, 102), (226, 204, 152)),
    "maize": ((76, 104, 52), (132, 150, 80)),
    "ploughed": ((128, 100, 74), (172, 142, 110)),
}
_TILES = {
    "terracotta": (206, 138, 108),
    "orange": (222, 150, 112),
    "brick": (178, 104, 82),
    "brown": (150, 112, 92),
    "pale": (224, 178, 146),
    "slate": (112, 118, 130),
    "zinc": (158, 164, 172),
}
_FLATS = {
    "roof_white": (222, 224, 224),
    "roof_grey": (168, 170, 172),
    "roof_bitumen": (96, 98, 104),
    "roof_blue": (128, 152, 180),
    "roof_green": (140, 158, 140),
    "roof_gravel": (186, 178, 164),
    "roof_rust": (164, 112, 92),
    "skylight": (208, 222, 230),
    "chimney": (116, 84, 74),
    "vent": (206, 208, 210),
    "glass": (52, 62, 76),
    "car_white": (234, 234, 232),
    "car_silver": (178, 182, 188),
    "car_black": (46, 48, 54),
    "car_blue": (58, 84, 138),
    "car_red": (164, 46, 44),
    "container": (190, 96, 56),
    "platform": (192, 188, 180),
}
_FACING_SHINES = (0.70, 0.84, 0.98, 1.10)  # brightness of a slope, of each facing
_CROWNS = ((74, 96, 56), (88, 108, 60), (62, 84, 54), (102, 116, 62), (52, 72, 54))


def _table() -> dict[str, Material]:
    """All materials by name; their order is their number."""
    table = dict(_GROUNDS)
    for crop, (dark, light) in _ROWS.items():
        for turn in range(DIRECTIONS):
            table[f"{crop}_{turn}"] = Material(dark, light, f"rows_{turn}")
    for tile, colour in _TILES.items():
        for facing, shine in enumerate(_FACING_SHINES):
            table[f"{tile}_{facing}"] = _around(_bright(colour, shine), 0.09)
    for name, colour in _FLATS.items():
        table[name] = _around(colour, 0.05)
    for hue, colour in enumerate(_CROWNS):
        for shade, shine in enumerate(np.linspace(0.55, 1.45, CROWN_SHADES)):
            table[f"crown_{hue}_{shade}"] = _around(_bright(colour, shine), 0.22, "leaf")
    table["shadow"] = Material((0, 0, 0), (0, 0, 0))
    return table


MATERIALS = _table()
MATERIAL = {name: number for number, name in enumerate(MATERIALS)}
_ROW_TEXTURES = tuple(f"rows_{turn}" for turn in range(DIRECTIONS))
TEXTURES = ("fine", "grass", "leaf", "patchy", "ripples", *_ROW_TEXTURES)
assert len(MATERIALS) <= SHADED


def material_numbers(names) -> np.ndarray:
    """Numbers (N,) of materials by name."""
    return np.array([MATERIAL[name] for name in names], int)


@dataclass(frozen=True)
class Season:
    """Factors of red, green and blue, of what grows and of all light."""

    plants: tuple[float, float, float]
    light: tuple[float, float, float]


SUMMER = Season((1.0, 1.0, 1.0), (1.0, 1.0, 1.0))


def colour_table(season: Season = SUMMER) -> np.ndarray:
    """Colour of every material, lit and shaded, at every level.

    Returns:
        (2 * 128 * 64,) uint32, bytes R G B 0.
    """
    level = np.linspace(0, 1, LEVELS)[:, None]
    table = np.zeros((2, SHADED, LEVELS, 4), "uint8")
    for number, material in enumerate(MATERIALS.values()):
        dark = np.array(material.dark)
        light = np.array(material.light)
        growth = np.array(season.plants if material.texture in PLANTS else SUMMER.plants)
        lit = _through_air((dark + (light - dark) * level) * growth) * season.light
        table[0, number, :, :3] = np.clip(lit, 0, 255)
        table[1, number, :, :3] = np.clip(lit * SHADOW_TINT, 0, 255)
    return np.ascontiguousarray(table).view("<u4").ravel()


def _through_air(colour: np.ndarray) -> np.ndarray:
    """Colours (N, 3) as they look from the plane: a little paler and greyer."""
    grey = colour.mean(axis=1, keepdims=True)
    greyer = colour + LOST_SATURATION * (grey - colour)
    return (1 - HAZE_SHARE) * greyer + HAZE_SHARE * np.array(HAZE_COLOUR)


def texture_of_material() -> np.ndarray:
    """Number of the texture of every material, lit and shaded: (256,) int."""
    numbers = np.zeros((2, SHADED), int)
    for number, material in enumerate(MATERIALS.values()):
        numbers[:, number] = TEXTURES.index(material.texture)
    return numbers.ravel()


def textures(
    size_px: int,
    pixel_m: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Periodic textures, values 0 .. 47: (len(TEXTURES), size_px, size_px) uint8."""
    white = rng.standard_normal((4, size_px, size_px))
    fine = _smooth(white[0], 0.25 / pixel_m)
    crisp = _smooth(white[1], 0.8 / pixel_m)
    medium = _smooth(white[2], 1.6 / pixel_m)
    broad = _smooth(white[3], 6.0 / pixel_m)

    # In the order of `TEXTURES`.
    fields = [
        fine,
        0.5 * fine + 0.6 * medium + 0.8 * broad,
        0.5 * fine + crisp,
        0.5 * fine + 0.4 * medium + broad,
        0.3 * fine + medium + broad,
    ]
    for turn in range(DIRECTIONS):
        rows = _rows(size_px, pixel_m, np.pi * turn / DIRECTIONS)
        fields.append(0.4 * fine + 0.5 * broad + 1.1 * rows)
    levels = [np.clip(24 + 11 * field / field.std(), 0, 47) for field in fields]
    return np.stack(levels).astype("uint8")


def _smooth(white: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian filter on a torus, unit variance."""
    rows, columns = white.shape
    squared = np.fft.fftfreq(rows)[:, None] ** 2 + np.fft.rfftfreq(columns)[None] ** 2
    gaussian = np.exp(-2 * np.pi**2 * sigma_px**2 * squared)  # its Fourier transform
    field = np.fft.irfft2(np.fft.rfft2(white) * gaussian, white.shape)
    return field / max(field.std(), 1e-12)


def _rows(
    size_px: int,
    pixel_m: float,
    heading: float,
    spacing_m: float = 2.4,
) -> np.ndarray:
    """Stripes, whole cycles each way, so that the texture repeats without a seam."""
    cycles = size_px * pixel_m / max(spacing_m, 2.5 * pixel_m)
    cycles_x = np.round(cycles * np.cos(heading))
    cycles_y = np.round(cycles * np.sin(heading))
    y, x = np.mgrid[:size_px, :size_px] / size_px
    return np.sqrt(2) * np.sin(2 * np.pi * (cycles_x * x + cycles_y * y))
