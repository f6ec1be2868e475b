"""What disk and time a run will still take, in sentences."""

from urbancam.workflow.planning.costs import USUAL_CELLS, Costs


def in_words(costs: Costs, workers: int, free_bytes: int) -> list[str]:
    """The costs in two sentences, and in a third what each comparison has of them.

    Args:
        costs: To be told.
        workers: Processes that share the work.
        free_bytes: Free bytes of the disk.
    """
    explaining_s = costs.maps_s + costs.controls_s + costs.plants_s
    measured_s = costs.cutting_s + costs.measuring_s
    if not (costs.networks or measured_s or explaining_s or sum(costs.disk_bytes.values())):
        return [f"expects nothing more for {costs.count:,} {costs.unit}: all is cut and trained"]
    disk = ", ".join(
        f"{size / 1e9:.1f} GB more of {what}" for what, size in costs.disk_bytes.items()
    )
    work = [f"cutting {duration(costs.cutting_s / workers)}"] if costs.cutting_s else []
    if costs.measuring_s:
        work.append(f"features of cells {duration(costs.measuring_s / workers)}")
    if costs.networks:
        work.append(
            f"training {costs.networks} networks on at most {costs.trained_images:,.0f} images of "
            f"{costs.image_px} px, {duration(costs.training_s / workers)}"
        )
    explaining = {
        "maps": costs.maps_s,
        "controls of the maps": costs.controls_s,
        "rules on frozen features": costs.plants_s,
    }
    work += [
        f"{what} {duration(core_s / workers)}" for what, core_s in explaining.items() if core_s
    ]
    compared = [_comparison_words(costs, workers)] if costs.comparisons else []
    return [
        f"expects for {costs.count:,} {costs.unit}: {disk}; {free_bytes / 1e9:.0f} GB are free"
        + " (archives of imagery, where any are fetched, come on top)" * bool(costs.cutting_s),
        f"expects with {workers} processes: {'; '.join(work)} on this CPU (a GPU is far faster)"
        if work
        else "expects no network to train",
        *compared,
    ]


def _comparison_words(costs: Costs, workers: int) -> str:
    """What each variant costs, and what it would cost a city of `USUAL_CELLS`: training grows with
    the cells."""
    network_s = costs.training_s / costs.networks / workers
    parts = []
    for name, count in costs.comparisons.items():
        noun = "network" if count == 1 else "networks"
        words = f"{name} {count} {noun}, {duration(count * network_s)}"
        if costs.unit == "cells" and costs.count not in (0, USUAL_CELLS):
            usual_s = count * network_s * USUAL_CELLS / costs.count
            words += f" ({duration(usual_s)} for a city of {USUAL_CELLS:,} cells)"
        parts.append(words)
    return f"expects of these for each comparison: {'; '.join(parts)}"


def duration(seconds: float) -> str:
    """A time in words: "40 s", "12 min", "31 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
