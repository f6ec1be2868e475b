"""What the tables of a run say, in sentences, topic by topic."""

import pandas as pd

from urbancam.showing.report import controls, land_cover, plants, scores


def summarise(tables: dict[str, pd.DataFrame], confidence: float) -> dict[str, list[str]]:
    """What the tables of a run say.

    Args:
        tables: Name as in `exhibits.TABLES` -> frame.
        confidence: Level of the intervals, 0..1.

    Returns:
        Topic -> sentences.
    """
    return {
        "What the images tell": [
            *scores.summarise_scores(tables["metrics"], tables["claims"]),
            *scores.summarise_added_value(tables["added_value"], tables["claims"]),
            *scores.summarise_space(tables["spatial_autocorrelation"]),
        ],
        "How wide the intervals are": scores.summarise_intervals(tables["block_size"], confidence),
        "What a split gives away": scores.summarise_leakage(tables["leakage"]),
        "How sure the network is": scores.summarise_calibration(tables["calibration"]),
        "What it looks at": [
            *land_cover.summarise_land_cover(
                tables["activation_ratio"],
                tables["activation_contrast"],
            ),
            *land_cover.summarise_effects(
                tables["local_effect"], tables["adjusted_effect"], tables["recovery_summary"]
            ),
            *land_cover.summarise_ordering(tables["ordering_agreement"]),
        ],
        "What a ratio is worth": [
            *controls.summarise_controls(tables["attribution_agreement"]),
            *controls.summarise_nulls(tables["nulls"]),
            *controls.summarise_shift(tables["map_shift"]),
            *controls.summarise_deletion(tables["deletion_area"]),
        ],
        "What the method can see here": plants.summarise_plants(tables["recovery_summary"]),
    }
