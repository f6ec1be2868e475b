"""What is said about land cover: statistics over fragments, cells weighed alike, blocks resampled.

`city` holds a city's matrices and what the network reads on each class; `pairs` how classes change each other;
`observed` what the incomes themselves say of the classes; `ordering` whether the two agree.
"""

from urbancam.landcover.city import LandCover, Side
from urbancam.landcover.observed import class_income, observed_association
from urbancam.landcover.ordering import ordering_agreement
from urbancam.landcover.pairs import coactivation, observed_coassociation

__all__ = [
    "LandCover", "Side", "class_income", "coactivation", "observed_association", "observed_coassociation",
    "ordering_agreement",
]  # fmt: skip
