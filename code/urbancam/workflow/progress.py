"""One progress bar for all scripts: for eyes alone, so never into a file or a pipe."""

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def bar(items: Iterable[Any] | None = None, **words: Any) -> tqdm:
    """A bar on stderr where that is a terminal, else none.

    Args:
        items: What is counted; None where the caller counts.
        **words: As of `tqdm`: total, initial, unit, desc.
    """
    return tqdm(items, disable=None, **words)
