"""A window: some rows and columns of a tile's pixels."""

from typing import NamedTuple


class Window(NamedTuple):
    """Pixels of a tile: rows `top` to `bottom`, columns `left` to `right`, ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def widened(self, margin_px: int, tile_height: int, tile_width: int) -> "Window":
        """The window and a margin around it, as far as its tile goes."""
        return Window(
            top=max(self.top - margin_px, 0),
            bottom=min(self.bottom + margin_px, tile_height),
            left=max(self.left - margin_px, 0),
            right=min(self.right + margin_px, tile_width),
        )

    def slices_of(self, outer: "Window") -> tuple[slice, slice]:
        """Rows and columns that this window takes up in an array of the pixels of `outer`."""
        rows = slice(self.top - outer.top, self.bottom - outer.top)
        columns = slice(self.left - outer.left, self.right - outer.left)
        return rows, columns
