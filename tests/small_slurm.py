"""A real Slurm on this machine, of one node: munged, slurmctld and slurmd."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

# At its default place: jobs do not inherit where another one lies.
CONFIGURATION = Path("/etc/slurm/slurm.conf")
TEXT = """\
ClusterName=urbancam
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
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
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def is_installed() -> bool:
    """Whether the daemons are here, and this user may start them."""
    programs = ("munged", "munge", "slurmctld", "slurmd", "sbatch", "runuser")
    return os.geteuid() == 0 and all(map(shutil.which, programs))


class Slurm:
    """One node with all cores of this machine; its configuration takes the default place."""

    def __init__(self, folder: Path, memory_mb: int = 12_000) -> None:
        self.folder = folder
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        text = TEXT.format(
            host=socket.gethostname(), folder=folder, cpus=os.cpu_count(), memory_mb=memory_mb
        )
        CONFIGURATION.parent.mkdir(exist_ok=True)
        CONFIGURATION.write_text(text)
        self._start_munge()
        self.start_controller()
        subprocess.run(["slurmd"], check=True)
        self._wait_until_idle()

    def _start_munge(self) -> None:
        if subprocess.run(["munge", "-n"], capture_output=True).returncode == 0:
            return  # one runs already
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        subprocess.run(["runuser", "-u", "munge", "--", "munged"], check=True)

    def start_controller(self) -> None:
        subprocess.run(["slurmctld"], check=True)

    def stop(self, name: str) -> None:
        """End a daemon by its number; nothing happens where it does not run."""
        place = self.folder / f"{name}.pid"
        if not place.exists():
            return
        number = int(place.read_text())
        os.kill(number, 15)
        while Path("/proc", str(number)).exists():
            time.sleep(0.1)

    def stop_all(self) -> None:
        subprocess.run(["scancel", "--user", "root"], check=False)
        for name in ("slurmd", "slurmctld"):
            self.stop(name)
        CONFIGURATION.unlink()

    def jobs(self) -> dict[str, str]:
        """Comment (rule and wildcards) of each running job, by its number."""
        words = ["squeue", "--noheader", "--states=RUNNING", "--format=%i|%k"]
        lines = subprocess.run(words, capture_output=True, text=True).stdout.splitlines()
        return dict(line.strip().split("|", 1) for line in lines)

    def wait_for(self, comment: str) -> str:
        """The number of the first running job whose comment holds a text, once there is one."""
        until = time.monotonic() + 300
        while time.monotonic() < until:
            for number, told in self.jobs().items():
                if comment in told:
                    return number
            time.sleep(0.2)
        raise TimeoutError(f"no job {comment} within 300 s")

    def cancel(self, comment: str) -> None:
        """Cancel the first running job whose comment holds a text."""
        subprocess.run(["scancel", self.wait_for(comment)], check=True)

    def _wait_until_idle(self) -> None:
        until = time.monotonic() + 60
        words = ["sinfo", "--noheader", "--format=%t"]
        while time.monotonic() < until:
            if subprocess.run(words, capture_output=True, text=True).stdout.strip() == "idle":
                return
            time.sleep(0.5)
        raise TimeoutError(f"Slurm did not start, see {self.folder}")
