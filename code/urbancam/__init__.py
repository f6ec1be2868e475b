"""UrbanCAM: what an aerial image says about a place, and where in the image it says it.

A folder imports only from the folders above it in this list; where a line ends in brackets, only
from those named there. `tests/test_layers.py` reads this list and holds every module to it.

workflow    the shape of a numbered script: settings, records, planning, running; paths, messages
tables      frames, geographic frames, arrays on disk; grid ids, coordinate systems; never torch
sources     what comes from outside: downloads, imagery, census, Urban Atlas, IGN; never torch
scoring     income classes and targets, predictions, metrics, calibration, intervals
learning    splits, inputs, models, training, baselines, leakage; never geopandas
explaining  activation maps, their projection on land cover, other methods and controls
cities      the second experiment: sites, patches, similarity, relevance
showing     exhibits, wording, figures, report [workflow tables scoring]
demo        the rendered city and towns with known truth; never torch [workflow tables sources]
"""
