"""Backbones: the records hold, and the settings reach the modules."""

import subprocess
import sys

import pytest
import torch

from urbancam.learning.models import backbones, networks
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT
from urbancam.workflow.settings import settings

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


@pytest.mark.parametrize("name", NAMES[1:])
def test_resnet_starts_from_the_weights_that_torchvision_names(name):
    from torchvision import models

    expected = models.get_model_weights(name).IMAGENET1K_V1.url
    assert backbones.find_backbone(name).weights_url == expected


@pytest.mark.slow
def test_steps_on_an_efficientnet_do_not_load_torchvision():
    """It takes nearly as long as torch itself, in each of six steps."""
    loads = "import sys; from urbancam.explaining.attribution import examination"
    loads += "; from urbancam.learning.training import income"
    loads += "; sys.exit('torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loads], env={"PYTHONPATH": str(ROOT / "code")})
    assert done.returncode == 0
