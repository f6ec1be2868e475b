"""Weights in and out: used when they fit, refused by name when they do not."""

import pytest
import torch

from urbancam.learning.models import networks, weight_files
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 truncated"])
def test_damaged_weights_are_named(tmp_path, content):
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match="weights cannot be read"):
        networks.load(path, settings.load("demo").model)


def test_pickled_code_is_refused(tmp_path):
    torch.save({"network": print}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="weights cannot be read"):
        weight_files.read_state(tmp_path / "weights.pt", "test")


def save_features(path, *assignments: str) -> torch.nn.Module:
    """Write the weights of a new backbone, and return its features."""
    network = networks.build(settings.load("demo", assignments).model)
    torch.save(network.features.state_dict(), path)
    return network.features


def build_from(path) -> networks.Network:
    return networks.build(settings.load("demo", [f"model.weights={path}"]).model)


def test_weights_of_another_backbone_are_refused(tmp_path):
    save_features(tmp_path / "resnet.pt", "model.backbone=resnet18")
    with pytest.raises(InputError, match="not of this backbone"):
        build_from(tmp_path / "resnet.pt")


def test_named_weights_are_used(tmp_path):
    expected = save_features(tmp_path / "b0.pt")
    got = build_from(tmp_path / "b0.pt").features
    assert torch.equal(got._conv_head.weight, expected._conv_head.weight)


def test_imagenet_weights_that_cannot_be_had_say_what_to_do(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise weight_files.URLError("no route")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    with pytest.raises(InputError, match="model.weights=FILE"):
        networks.build(settings.load("default").model)
