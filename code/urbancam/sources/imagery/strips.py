"""The memory of a process: the strips of tiles that it decoded last, and the open decoder."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from urbancam.sources.imagery.openjpeg import OpenDecoder
from urbancam.workflow.errors import InputError

# Decoded strips a process keeps. The image of a cell needs three of 77 MB of a tile of IGN's size
# with inner tiles, or ten of 10 MB of one in one piece, beside which a decoder is open.
STRIPS_BYTES = 240 << 20
STRIPS_BESIDE_DECODER_BYTES = 120 << 20


class Strips:
    """The most recently decoded strips of a process, over all of its tiles.

    Damaged strips are not tried again.

    Attributes:
        budget_bytes: Size of all strips at most, though the last one always stays; less where a
            decoder is open.
        decoded_px: Pixels decoded so far.
        decoder: Of the file in one piece that was read last; it goes from strip to strip.
    """

    def __init__(self, budget_bytes: int = STRIPS_BYTES) -> None:
        self.budget_bytes = budget_bytes
        self.decoded_px = 0
        self.decoder = OpenDecoder()
        self._strips: OrderedDict[tuple, np.ndarray] = OrderedDict()
        self._damaged: dict[tuple, InputError] = {}

    def get(self, key: tuple, decode: Callable[[], np.ndarray]) -> np.ndarray:
        """A strip, decoded where it is not at hand.

        Args:
            key: What the strip is, hashable.
            decode: Decodes it: (bands, H, W).

        Raises:
            InputError: it cannot be decoded, now or the first time.
        """
        # A cell that needs a damaged strip fails at once, not after decoding it in vain.
        if key in self._damaged:
            raise self._damaged[key]
        if key not in self._strips:
            self._strips[key] = self._decode(key, decode)
            self._drop_oldest()
        self._strips.move_to_end(key)
        return self._strips[key]

    def _decode(self, key: tuple, decode: Callable[[], np.ndarray]) -> np.ndarray:
        try:
            strip = decode()
        except InputError as error:
            self._damaged[key] = error
            raise
        self.decoded_px += strip[0].size
        return strip

    def _drop_oldest(self) -> None:
        """Forget the strips that were used longest ago, until the rest fits the budget."""
        budget_bytes = self.budget_bytes
        if self.decoder.is_open:
            budget_bytes = min(budget_bytes, STRIPS_BESIDE_DECODER_BYTES)
        size_bytes = sum(strip.nbytes for strip in self._strips.values())
        while len(self._strips) > 1 and size_bytes > budget_bytes:
            _, oldest = self._strips.popitem(last=False)
            size_bytes -= oldest.nbytes
