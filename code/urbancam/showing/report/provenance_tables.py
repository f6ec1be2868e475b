"""How a page was made: steps, settings and packages as tables."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from urbancam.showing.report.tables import PageTable, make_table
from urbancam.workflow.messages import join_counts


def of_run(records: list[dict[str, Any]], settings: Mapping[str, Any]) -> list[PageTable]:
    """The tables of steps, settings and packages.

    Args:
        records: Records of every step, as `steps.Step.finish` writes them.
        settings: Flat `{"section.key": value}`.
    """
    values = {"setting": settings.keys(), "value": map(str, settings.values())}
    frames = {
        "Steps": pd.DataFrame([_flatten(record) for record in records]),
        "Settings": pd.DataFrame(values),
        "Packages": pd.DataFrame(_versions(records), columns=["package", "version"]),
    }
    return [make_table("", heading, frame, most_rows=None) for heading, frame in frames.items()]


def commit_words(record: Mapping[str, Any]) -> str:
    """The beginning of a record's commit; a "+" says that files were changed since."""
    commit, changes, _ = (record.get("commit") or "").partition("+")
    return commit[:10] + changes


def _flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """A step: when it ran, how long, by which commit, and what it counted."""
    row = {key: record.get(key) for key in ("step", "date", "seconds")}
    row["commit"] = commit_words(record)
    row["counts"] = join_counts(record.get("counts", {}))
    return row


def _versions(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Every package version that any step ran with."""
    pairs = {pair for record in records for pair in record.get("packages", {}).items()}
    return sorted(pairs)
