"""Profiles of the engine: folders with a `config.yaml`, ours in `cluster/` or a user's own."""

import os
import subprocess
from pathlib import Path
from typing import Any

from urbancam.workflow.errors import InputError
from urbancam.workflow.machine import gpus, memory
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.settings import layers

HERE = ROOT / "cluster"
SECTIONS = ("at_most", "with_gpu", "without_gpu")  # of what a profile tells our Snakefile
ANSWER_S = 60  # until a queue counts as silent; a busy controller takes its time


def find(name: str) -> Path:
    """The folder of a profile, of its name or path.

    Raises:
        InputError: There is none.
    """
    for folder in (HERE / name, Path(name).resolve()):
        if (folder / "config.yaml").is_file():
            return folder
    known = ", ".join(sorted(path.parent.name for path in HERE.glob("*/config.yaml")))
    raise InputError(
        f"there is no profile {name!r}",
        "--profile",
        f"name one of {known}, or a folder with a config.yaml (docs/cluster.md)",
    )


def has_gpus(profile: Path) -> bool:
    """Whether jobs may ask for GPUs: those of this machine, or as the profile says.

    Raises:
        InputError: The profile cannot be read.
    """
    asks_gpu = of_jobs(profile).get("gpu")
    return bool(gpus.visible() if asks_gpu is None and not _has_queue(profile) else asks_gpu)


def limits_at_once(profile: Path) -> list[str]:
    """Options of Snakemake that hold what runs at once within this machine; none where a queue
    does. What the profile itself says of it stays. A job that asks for more than all has it alone.
    """
    if _has_queue(profile):
        return []
    said = _read(profile)
    machine = {"gpu": len(gpus.visible()), "mem_mb": int(memory.total_mb())}
    # All of them, since words of the command line stand in the place of the profile's section.
    limits = machine | _section(said, "resources", profile)
    cores = [] if "cores" in said else ["--cores", str(os.cpu_count())]
    return [*cores, "--resources", *(f"{name}={most}" for name, most in limits.items())]


def of_jobs(profile: Path) -> dict[str, Any]:
    """What a profile tells our Snakefile; Snakemake would hand it over with numbers as words.

    Raises:
        InputError: The profile cannot be read.
    """
    config = _section(_read(profile), "config", profile)
    return config | {name: _section(config, name, profile) for name in SECTIONS}


def require_queue(profile: Path) -> None:
    """Raise if a profile is for Slurm and none answers here: each job would fail by itself."""
    if _read(profile).get("executor") != "slurm":
        return
    asked = ["sinfo", "--noheader"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=ANSWER_S)
        said = "" if answer.returncode == 0 else answer.stderr.strip() or "sinfo failed"
    except subprocess.TimeoutExpired:
        said = f"sinfo does not answer within {ANSWER_S} s"
    except OSError as error:
        said = str(error)
    if said:
        raise InputError(
            "no Slurm answers here",
            said.splitlines()[-1],
            "call it where sbatch and sinfo work, as on a login node; or --profile local",
        )


def environment(profile: Path) -> dict[str, str]:
    """The variables that Snakemake is started with: where jobs are asked for with `squeue`, it
    finds our `sacct`, which tells why."""
    if _read(profile).get("slurm-status-command") != "squeue":
        return {**os.environ}
    places = [str(HERE / "slurm" / "bin"), os.environ.get("PATH", os.defpath)]
    return {**os.environ, "PATH": os.pathsep.join(places)}


def _has_queue(profile: Path) -> bool:
    return _read(profile).get("executor", "local") != "local"  # as Snakemake takes it


def _read(profile: Path) -> dict[str, Any]:
    return layers.read(profile / "config.yaml")


def _section(values: dict[str, Any], name: str, profile: Path) -> dict[str, Any]:
    section = values.get(name) or {}
    if not isinstance(section, dict):
        place = display_path(profile / "config.yaml")
        raise InputError(f"`{name}` holds no `key: value` lines", place, "mend the file")
    return section
