"""Backbones: the records hold, and the settings reach the modules."""

import pytest
import torch

from urbancam.learning import backbones, networks
from urbancam.workflow import settings
from urbancam.workflow.errors import InputError

NAMES = ["efficientnet-b0", "resnet18", "resnet34", "resnet50", "resnet101"]


@pytest.mark.parametrize("name", NAMES)
def test_backbone_record_tells_channels_and_target_layer(name):
    model = settings.load("demo", [f"model.backbone={name}"]).model
    features = networks.build(model).eval().features
    backbone = backbones.find_backbone(name)
    features.get_submodule(backbone.target_layer)
    with torch.inference_mode():
        activation = features(torch.zeros(1, 3, 64, 64))
    assert activation.shape[1] == backbone.channels


def test_batch_norm_settings_reach_the_network():
    network = networks.build(settings.load("default", ["model.weights=random"]).model)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert {(round(norm.momentum, 6), norm.eps) for norm in norms} == {(0.01, 0.001)}


def test_unknown_backbone_is_named():
    model = settings.load("demo", ["model.backbone=efficientnet-b9"]).model
    with pytest.raises(InputError, match="efficientnet-b9.*\n.*\n.*efficientnet-b0"):
        networks.build(model)
