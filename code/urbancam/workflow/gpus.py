"""Several GPUs: which there are, and one command on each of them at a time."""

import os
import queue
import subprocess
from concurrent.futures import ThreadPoolExecutor


def visible() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES takes them.

    Found without torch.
    """
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is not None:
        return [name.strip() for name in names.split(",") if name.strip() not in ("", "-1")]
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []  # no driver, no GPU
    return answer.stdout.split()


def run_side_by_side(commands: list[list[str]], gpus: list[str]) -> int:
    """Run all commands, on each GPU one at a time; one that fails does not stop the others.

    Returns:
        The largest exit status.
    """
    free: queue.Queue[str] = queue.Queue()
    for gpu in gpus:
        free.put(gpu)

    def run(command: list[str]) -> int:
        gpu = free.get()
        try:
            return subprocess.run(
                command, env=os.environ | {"CUDA_VISIBLE_DEVICES": gpu}
            ).returncode
        finally:
            free.put(gpu)

    with ThreadPoolExecutor(len(gpus)) as pool:
        return max(pool.map(run, commands), key=abs)
