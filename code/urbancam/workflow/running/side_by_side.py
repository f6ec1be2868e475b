"""The folds of one call, trained side by side by processes that share the cores of a CPU.

Several threads of one small network wait for each other more than they compute: on two cores two
networks of one thread each took two thirds of the time that they took in turn on both (192 px).
"""

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from urbancam.workflow import catalogue
from urbancam.workflow.files import printable
from urbancam.workflow.machine import gpus, memory
from urbancam.workflow.messages import log
from urbancam.workflow.paths import ROOT
from urbancam.workflow.running.arguments import words
from urbancam.workflow.running.job import Request

THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Share:
    """How folds share a computer.

    Attributes:
        at_once: How many are trained at a time.
        threads: Threads of each.
    """

    at_once: int
    threads: int


def share_of(folds: int, workers: int, each_mb: float, memory_mb: float) -> Share:
    """As many folds at a time as memory bears; each has its part of the cores, or takes turns.

    It hangs on the computer and the run alone, not on what else it does or which folds are left to
    train: the number of threads enters the bytes of what is trained.

    Args:
        folds: How many the run has.
        workers: Cores that they may have.
        each_mb: Memory of one training.
        memory_mb: Memory that they may take together.
    """
    at_once = max(1, min(folds, int(memory_mb / each_mb)))
    return Share(at_once, max(1, workers // at_once))


def share(request: Request, folds: int) -> Share:
    """How the folds of a run share this computer: in turn where a GPU trains them, or one core, and
    where all learn from the same frozen features, for which the first needs all cores."""
    from urbancam.workflow.planning import rates  # loads the settings' library

    args = request.args
    on_gpu = args.device == "cuda" or (args.device == "auto" and gpus.visible())
    of_cities = request.entry.experiment == catalogue.CITIES
    section = request.settings.cities if of_cities else request.settings
    if on_gpu or args.workers < 2 or section.training.frozen:
        return Share(1, args.workers)
    each_mb = rates.training_mb(section.training, section.image)
    return share_of(folds, args.workers, each_mb, memory.total_mb() / 2)


def train(request: Request, folds: list[int], shared: Share) -> int:
    """Call the script once for each fold, several at a time; the exit status is the worst.

    A fold that fails stops none of the others. What several say in the same words is told once.
    """
    told = ", ".join(map(str, folds))
    count, threads = shared.at_once, shared.threads
    log.info("folds %s: %d at a time, threads of each: %d", told, count, threads)
    waiting, running, worst, errors = list(folds), [], 0, {}
    try:
        while waiting or running:
            while waiting and len(running) < shared.at_once:
                running.append(_Fold(request, waiting.pop(0), shared.threads))
            ended = _wait(running)
            running.remove(ended)
            worst = max(worst, ended.process.returncode)
            errors.setdefault(ended.errors(), None)
    finally:
        for fold in running:
            fold.end()
    sys.stderr.write(printable("".join(errors)))
    return worst


class _Fold:
    """A process that trains one fold; what it says of errors is kept until it has ended."""

    def __init__(self, request: Request, fold: int, threads: int) -> None:
        args = request.args
        command = [
            sys.executable,
            ROOT / "code" / f"{request.entry.script}.py",
            *words(args, args.script),
        ]
        command += ["--fold", str(fold), "--workers", str(args.workers)]
        command += ["--device", args.device]
        command += ["--force"] if args.force else []
        environment = {THREADS: str(threads), **os.environ}  # a number of the user's own stays
        self.said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape")
        # Ctrl-C reaches every process of a terminal. This one tells it, and ends the others.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.process = subprocess.Popen(command, env=environment, stderr=self.said)
        finally:
            signal.signal(signal.SIGINT, handler)

    def errors(self) -> str:
        with self.said:
            self.said.seek(0)
            return self.said.read()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.said.close()


def _wait(running: list[_Fold]) -> _Fold:
    """The first of some folds to end."""
    while True:
        for fold in running:
            try:
                fold.process.wait(0.05)
                return fold
            except subprocess.TimeoutExpired:
                continue
