"""Memory: kept where networks take it again and again, and how much there is."""

import ctypes
import os
import sys

# Options of mallopt(3)
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGE_PIECE_BYTES = 2**30
NEVER_GIVE_BACK = 2**31 - 1
# Of a process that cuts tiles, at most; measured 1.3 GB on two of 25 000 x 25 000 px side by side,
# to which cells along the southern edge add 0.1 GB.
CUTTING_MB = 1_500


def keep_large_pieces() -> None:
    """Let the C library keep large pieces of memory that are given back, for the next ones.

    At every step a network takes pieces of the same sizes. glibc hands those of more than 32 MB
    back to the system each time, which then has to find and clear every page anew: of the maps of
    the demo that was half of all CPU time. Other C libraries are left as they are.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(MMAP_THRESHOLD, LARGE_PIECE_BYTES)
        library.mallopt(TRIM_THRESHOLD, NEVER_GIVE_BACK)


def total_mb() -> float:
    """This computer's memory, in MB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
