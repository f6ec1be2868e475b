"""UrbanCAM: what an aerial image says about a place, and where in the image it says it."""
