"""A step of the project with one backbone more: three convolutions, so that what the step does
beside its network is what is measured.

Run     python tests/benchmarks/tiny_network.py 13_project_activation --city City [...]
"""

import runpy
import sys
from collections import OrderedDict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = "tiny"
CHANNELS = 32


def register() -> None:
    """Make `tiny` a value of `model.backbone` in this process."""
    from torch import nn

    from urbancam.learning.models.backbones import BACKBONES, Backbone

    def build(settings: object) -> nn.Module:
        return nn.Sequential(
            OrderedDict(
                stem=nn.Conv2d(3, 8, 4, stride=4),
                stem_norm=nn.BatchNorm2d(8),
                stem_relu=nn.ReLU(),
                middle=nn.Conv2d(8, 16, 3, stride=2, padding=1),
                middle_relu=nn.ReLU(),
                last=nn.Conv2d(16, CHANNELS, 3, stride=2, padding=1),
                last_norm=nn.BatchNorm2d(CHANNELS),
                last_relu=nn.ReLU(),
            )
        )

    BACKBONES[NAME] = Backbone(build, CHANNELS, "last", weights_url="")


def main() -> None:
    script, *words = sys.argv[1:]
    path = ROOT / "code" / f"{script}.py"
    sys.argv = [str(path), *words]
    sys.path.insert(0, str(path.parent))
    uses_network = script[:2] in ("11", "13", "16", "17", "18")
    if uses_network:  # the others are measured without the time to load torch
        register()
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
