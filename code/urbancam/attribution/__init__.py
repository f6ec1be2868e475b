"""Other maps beside the published one, on the same projection: methods, controls, deletion curves."""
