"""What is seen in each figure, for those who do not see it."""

ALT_TEXTS = {  # name as in `exhibits.FIGURES`, and of the cities experiment -> what is seen
    "class_maps": (
        "Maps of the city side by side, a square a cell: observed and predicted income class, "
        "from blue, poorest, to red, richest."
    ),
    "scores": ("A panel for each score: dots with intervals, the image model above its baselines."),
    "leakage": (
        "For each split of the cells, dots with intervals of the model and of the coordinates, "
        "and how many cells leak."
    ),
    "confusion_matrix": (
        "Five by five boxes: share and number of cells, by observed and by predicted class."
    ),
    "calibration": (
        "Share of right predictions over the network's own probability, beside the diagonal on "
        "which both are the same."
    ),
    "activation_ratios": (
        "A row for each land cover: dots with intervals of its ratios, contrast and contribution."
    ),
    "polar_ratios": (
        "Two circles, poor and rich, with a sector for each land cover, as long as its ratio."
    ),
    "controls": (
        "For each method or control the contrast of each land cover, beside the published map's."
    ),
    "deletion": (
        "Curves of the logit as more and more of the image is blurred, or put back, by what goes "
        "first."
    ),
    "recovery": "For each attribution, what it answers of planted rules over what the rules are.",
    "ordering": (
        "A dot for each land cover: contrast of the map over the mean income of the cells that "
        "hold it."
    ),
    "class_by_quintile": (
        "For each land cover, how many of the cells that hold it lie in each fifth of income."
    ),
    "chords": (
        "Circles of land covers with ribbons between pairs: by activation and by observed income."
    ),
    "transfer": "A matrix of cities: rank correlation of each city's model on each city.",
    "cell_sheet": (
        "Rows of single cells: the image, the signed activation map over it, and its land cover."
    ),
    "city_accuracy": "A dot with interval for each city: the share of its patches that are named.",
    "city_confusion": "A matrix of cities: true city by named city, darker for more patches.",
    "colour_controls": (
        "Dots with intervals: accuracy on patches as they are, with jittered colours and in grey, "
        "of the network, its variants and baselines."
    ),
    "city_tree": "A tree that joins the cities, the most alike first.",
    "city_map": "A map on which cities that look alike lie close to each other.",
}
