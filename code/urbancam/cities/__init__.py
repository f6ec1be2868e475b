"""The cities experiment: name the city from a patch of an aerial image."""
