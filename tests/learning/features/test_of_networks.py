"""Frozen features of networks: with which weights, of which part of an image."""

import numpy as np
import pytest
import torch

from urbancam.learning.features import of_networks
from urbancam.learning.models import backbones, networks
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder in the place of the net, with made "published" weights of ResNet-18."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(7)
    model = settings.load("demo-tiny").model.model_copy(update={"backbone": "resnet18"})
    features = networks.build(model).features
    url = backbones.find_backbone("resnet18").weights_url
    file = tmp_path / "hub" / "checkpoints" / url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    torch.save(features.state_dict(), file)
    return features.state_dict()


def test_another_backbone_has_the_weights_that_were_published_with_it(published):
    model = settings.load("demo-tiny").model  # efficientnet-b0, random weights
    torch.manual_seed(1)
    network = of_networks.build("resnet18", model)
    assert not network.training
    for name, tensor in network.features.state_dict().items():
        assert torch.equal(tensor, published[name]), name


def test_the_runs_own_backbone_has_the_weights_of_the_run(published, tmp_path):
    file = tmp_path / "own.pt"
    own = {name: torch.zeros_like(tensor) for name, tensor in published.items()}
    torch.save(own, file)
    model = settings.load("demo-tiny", ["model.backbone=resnet18", f"model.weights={file}"]).model
    network = of_networks.build("resnet18", model)
    assert all(not tensor.any() for tensor in network.features.state_dict().values())


def test_what_cannot_be_had_names_the_network_and_the_file(tmp_path, monkeypatch):
    model = settings.load("demo-tiny").model
    with pytest.raises(InputError, match="no backbone 'vgg'") as caught:
        of_networks.build("vgg", model)
    assert "baselines.networks 'vgg'" in caught.value.where
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(
        "torch.hub.load_state_dict_from_url", lambda *_, **__: (_ for _ in ()).throw(OSError("off"))
    )
    with pytest.raises(InputError, match="cannot be had: off") as caught:
        of_networks.build("resnet18", model)
    assert "resnet18-f37072fd.pth" in caught.value.where
    assert str(tmp_path) in caught.value.do and "baselines.networks" in caught.value.do


def test_patches_that_do_not_divide_an_image_fill_its_middle():
    images = np.arange(2 * 33 * 33 * 3, dtype=np.uint16).reshape(2, 33, 33, 3)
    got = of_networks.fit_to("timm/vit_small_patch14_dinov2", images)
    assert len(got) == 2
    assert (got[1] == images[1, 2:30, 2:30]).all()  # two patches, five pixels left over
    assert of_networks.fit_to("timm/vit_tiny_patch11_made", images) is images
    assert of_networks.fit_to("resnet18", images) is images
