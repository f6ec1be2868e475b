"""What the tables of a run say, in sentences, topic by topic."""

from collections.abc import Callable, Mapping

import pandas as pd

from urbancam.showing.report import claims, controls, land_cover, plants, scores
from urbancam.showing.wording import BOTH, CHOSEN, OWN, SPLIT

Summary = tuple[Callable[..., list[str]], tuple[str, ...]]  # and the tables it takes

EFFECTS = ("local_effect", "adjusted_effect", "recovery_summary", "claims")
TOPICS: dict[str, tuple[Summary, ...]] = {
    "What the images tell": (
        (scores.summarise_scores, ("metrics", "claims")),
        (scores.summarise_added_value, ("added_value", "claims")),
        (scores.summarise_space, ("spatial_autocorrelation",)),
    ),
    "How sure the network is": ((scores.summarise_calibration, ("calibration",)),),
    "What it looks at": (
        (land_cover.summarise_land_cover, ("activation_ratio", "activation_contrast")),
        (land_cover.summarise_effects, EFFECTS),
        (land_cover.summarise_ordering, ("ordering_agreement", "claims")),
    ),
    "Which claims survive all of it": ((claims.summarise_claims, ("claims",)),),
    "How wide the intervals are": ((scores.summarise_intervals, ("block_size",)),),
    "What a split gives away": ((scores.summarise_leakage, ("leakage",)),),
    "What a ratio is worth": (
        (controls.summarise_controls, ("attribution_agreement",)),
        (controls.summarise_nulls, ("nulls",)),
        (controls.summarise_shift, ("map_shift",)),
        (controls.summarise_deletion, ("deletion_area",)),
    ),
    "What the method can see here": ((plants.summarise_plants, ("recovery_summary",)),),
}


# Tables that sentences about another one look into: a run without them says so much less.
NONE_OF = {
    "claims": pd.DataFrame(columns=["claim", "survives", "against_it"]),
    "recovery_summary": pd.DataFrame(columns=["kind", "attribution", "n_inert", "false_positives"]),
}
TOPIC_BLOCKS = {  # topic -> the blocks resampled for its intervals, as of `wording.resampling`
    "What the images tell": CHOSEN,
    "How sure the network is": CHOSEN,
    "What it looks at": SPLIT,
    "Which claims survive all of it": BOTH,
    "What a split gives away": OWN,
    "What a ratio is worth": SPLIT,
}


def summarise(tables: Mapping[str, pd.DataFrame], confidence: float) -> dict[str, list[str]]:
    """What the tables of a run say.

    Args:
        tables: Name as in `exhibits.TABLES` -> frame; of a table that is absent or empty nothing
            is said.
        confidence: Level of the intervals, 0..1.

    Returns:
        Topic -> sentences.
    """
    said: dict[str, list[str]] = {}
    for topic, summaries in TOPICS.items():
        said[topic] = []
        for summarise_table, names in summaries:
            if _has_rows(tables, names):
                own = [tables.get(name, NONE_OF.get(name)) for name in names]
                level = [confidence] if summarise_table is scores.summarise_intervals else []
                said[topic] += summarise_table(*own, *level)
    return said


def _has_rows(tables: Mapping[str, pd.DataFrame], names: tuple[str, ...]) -> bool:
    """Whether a summary can be made: its tables have rows, but for those it can do without when
    it has others."""
    needed = [name for name in names if name not in NONE_OF or len(names) == 1]
    return all(name in tables and len(tables[name]) for name in needed)
