"""Several GPUs on a machine: which there are, and one of them for this process alone."""

import fcntl
import os
import subprocess
import tempfile
import time
from pathlib import Path

from urbancam.workflow.messages import log

LOOK_AGAIN_S = 2.0
VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES takes them.

    Found without torch.
    """
    names = os.environ.get(VISIBLE)
    if names is not None:
        return [name.strip() for name in names.split(",") if name.strip() not in ("", "-1")]
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []  # no driver, no GPU
    return answer.stdout.split()


def claim(device: str) -> None:
    """Keep one of several GPUs for this process, and let it see no other, before torch looks.

    Processes on one machine that do the same share its GPUs without talking to each other: each
    takes a free one, or waits for it. A claim goes with its process, however that ends (flock(2)).

    Args:
        device: "auto", "cpu" or "cuda", as `--device` has it; nothing is claimed for "cpu", nor
            where there is at most one GPU, which a queue or the user has then chosen.
    """
    names = [] if device == "cpu" else visible()
    if len(names) < 2:
        return
    told = False
    while not (name := next(filter(_is_taken_by_us, names), None)):
        if not told:
            log.info("all %d GPUs are taken: waits for one", len(names))
            told = True
        time.sleep(LOOK_AGAIN_S)
    os.environ[VISIBLE] = name


def _is_taken_by_us(name: str) -> bool:
    """Take a GPU for the rest of this process, unless another process of this user has it."""
    place = Path(tempfile.gettempdir(), f"urbancam-{os.getuid()}-gpu-{name.replace('/', '_')}.lock")
    # The lock lives as long as the file is open: it is never closed.
    lock = os.open(place, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True
