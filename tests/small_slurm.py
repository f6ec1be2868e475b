"""A real Slurm on this machine, of one node: munged, slurmctld and slurmd, ended whatever happens.

There can be one at a time, since its configuration must lie at its default place: jobs do not
inherit where another one lies. So all that it leaves lies at one place too, and whoever starts it
next ends what an interrupted one left running.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

PLACE = Path("/etc/slurm")
FOLDER = Path(tempfile.gettempdir(), "urbancam-slurm")  # of state, logs and process numbers
LOCK = FOLDER.with_suffix(".lock")
OURS = "# of the tests of UrbanCAM\n"
CONFIGURATION = {
    "slurm.conf": """\
ClusterName=urbancam
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=task=1
KillWait=5
UnkillableStepTimeout=300
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 Gres=gpu:a100:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
""",
    # Slurm hands out two GPUs that are none.
    "gres.conf": """\
Name=gpu Type=a100 File=/dev/null
Name=gpu Type=a100 File=/dev/zero
""",
}
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")


def why_not() -> str:
    """Why there can be no Slurm of ours on this machine, "" where there can."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"no {', '.join(missing)}: apt install slurm-wlm munge"
    if os.geteuid() != 0:
        return "only root may start Slurm's daemons"
    if theirs := [str(PLACE / name) for name in CONFIGURATION if not _may_be_ours(PLACE / name)]:
        return f"{', '.join(theirs)}: of another Slurm"
    return ""


def _may_be_ours(place: Path) -> bool:
    return not place.exists() or place.read_text().startswith(OURS)


def last_words() -> str:
    """What the daemons said last, to tell why they do not start."""
    logs = [FOLDER / f"{name}.log" for name in ("munged", "slurmctld", "slurmd")]
    lines = [log.read_text(errors="replace").splitlines()[-2:] for log in logs if log.is_file()]
    return " / ".join(line for of_log in lines for line in of_log)


def wait_until(true: Callable[[], bool], what: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {seconds} s, see {FOLDER}")
        time.sleep(0.1)


def answer(*words: str) -> str:
    """What a program of Slurm says, "" where it fails, as while no controller runs."""
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


class Slurm:
    """One node, from its start until its end; it is said to be larger than the machine, since what
    tiny jobs ask for is far more than they take."""

    def __init__(self) -> None:
        self.lock = LOCK.open("w")

    def start(self) -> None:
        """Start the daemons, once no other Slurm of ours runs.

        Raises:
            OSError, subprocess.SubprocessError: They do not start; nothing of them is left.
        """
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.end_daemons()  # what an interrupted one left
        shutil.rmtree(FOLDER, ignore_errors=True)
        for name in ("state", "spool"):
            (FOLDER / name).mkdir(parents=True)
        try:
            self.configure()
            self.start_munge()
            self.start_controller()
            subprocess.run(["slurmd"], check=True)
            wait_until(lambda: "idle" in answer("sinfo", "-h", "-o", "%t"), "an idle node", 60)
        except BaseException as error:
            error.add_note(last_words())
            self.end()
            raise

    def end(self) -> None:
        try:
            self.end_daemons()
        finally:
            self.lock.close()

    @staticmethod
    def configure() -> None:
        PLACE.mkdir(exist_ok=True)
        # As Slurm calls this machine; its name need not resolve.
        host = socket.gethostname().split(".")[0]
        for name, text in CONFIGURATION.items():
            (PLACE / name).write_text(OURS + text.format(host=host, folder=FOLDER))

    def end_daemons(self) -> None:
        """End the engine, the jobs and the daemons; their logs stay until the next start."""
        if not (PLACE / "slurm.conf").exists():
            return
        stop("engine")
        if number_of("slurmd"):  # its jobs would outlive it
            if not number_of("slurmctld"):
                self.start_controller()
            wait_until(_no_jobs, "an empty queue", 60)
        for name in ("slurmd", "slurmctld", "munged"):
            stop(name)
        for name in CONFIGURATION:
            (PLACE / name).unlink(missing_ok=True)

    def start_munge(self) -> None:
        key = FOLDER / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        # --force: the socket's folder is below one that all may write to.
        places = [f"--socket={FOLDER}/munge.socket", f"--pid-file={FOLDER}/munged.pid"]
        places += [f"--key-file={key}", f"--log-file={FOLDER}/munged.log"]
        places += [f"--seed-file={FOLDER}/munged.seed"]
        subprocess.run(["munged", "--force", *places], check=True, capture_output=True)

    @staticmethod
    def start_controller() -> None:
        subprocess.run(["slurmctld"], check=True)
        wait_until(lambda: bool(answer("sinfo", "-h")), "a controller that answers", 60)

    def run(self, command: list[str], **further) -> subprocess.CompletedProcess:
        """Run what puts jobs in the queue, so that it is ended with this Slurm."""
        further |= {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        # A session of its own: what it started is ended with it.
        process = subprocess.Popen(command, start_new_session=True, **further)
        (FOLDER / "engine.pid").write_text(str(process.pid))
        told, _ = process.communicate()
        (FOLDER / "engine.pid").unlink()
        return subprocess.CompletedProcess(command, process.returncode, told)

    @staticmethod
    def job_of(comment: str) -> str:
        """The number of the first running job whose comment (rule and wildcards) holds a text."""
        lines = answer("squeue", "--noheader", "--states=RUNNING", "--format=%i|%k").splitlines()
        told = (line.split("|", 1) for line in lines)
        return next((number for number, rule in told if comment in rule), "")


class Disturber(threading.Thread):
    """Does something once, while a fold of the tiny demo is trained.

    Args:
        results: Where the training leaves its checkpoint.
        disturb: Gets the number of the training's job in the queue.

    Attributes:
        fold: That is trained.
    """

    def __init__(self, results: Path, disturb: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self.results, self.disturb = results, disturb
        self.fold, self.error = "", None

    def run(self) -> None:
        try:
            wait_until(self.finds_a_checkpoint, "a training under way", 300)
            comment = f"rule_train_income_wildcards_Demo_demo-tiny_-_{self.fold}"
            number = Slurm.job_of(comment)
            assert number, f"{comment} runs no more"
            self.disturb(number)
        except Exception as error:
            self.error = error

    def finds_a_checkpoint(self) -> bool:
        for place in self.results.glob("Demo/demo-tiny/fold_*/checkpoint.pt"):
            self.fold = place.parent.name.removeprefix("fold_")
        return bool(self.fold)

    def join_or_raise(self) -> None:
        """Wait for its end, and raise what kept it from disturbing."""
        self.join()
        if self.error:
            raise self.error


def number_of(name: str) -> int:
    """The number of a process of ours, 0 where it does not run (any more)."""
    place = FOLDER / f"{name}.pid"
    if not place.is_file():
        return 0
    number = int(place.read_text())
    words = Path("/proc", str(number), "cmdline")
    # The number may be another process's by now.
    wanted = b"98_start_cluster" if name == "engine" else name.encode()
    return number if words.exists() and wanted in words.read_bytes() else 0


def stop(name: str) -> None:
    """End a process of ours by its number, an engine with all that it started."""
    if not (number := number_of(name)):
        return
    if name == "engine":
        os.killpg(number, signal.SIGKILL)  # else Snakemake would wait for its jobs
    else:
        os.kill(number, signal.SIGTERM)
    wait_until(lambda: not number_of(name), f"the end of {name}", 60)


def _no_jobs() -> bool:
    answer("scancel", "--user", "root")
    return not answer("squeue", "--noheader")
