"""Networks: built with any head, and the same again from their saved weights."""

import pytest
import torch

from urbancam.learning.models import heads, networks, weight_files
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings


def test_softmax_head_serves_any_number_of_classes():
    model = settings.load("demo", ["model.backbone=resnet18", "model.head=softmax"]).model
    network = networks.build(model, outputs=45).eval()
    head = heads.find_head("softmax", 45)
    with torch.inference_mode():
        out = network(torch.rand(2, 3, 64, 64))
    got = head.log_probabilities(out).exp()
    assert got.shape == (2, 45)
    assert torch.allclose(got.sum(1), torch.ones(2))


def test_saved_weights_come_back(tmp_path):
    model = settings.load("demo").model
    network = networks.build(model).eval()
    weight_files.save(network.state_dict(), tmp_path / "weights.pt")
    loaded = networks.load(tmp_path / "weights.pt", model)
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded(images), network(images))


def test_convolutions_of_float32_are_not_rounded_to_tf32(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)  # torch's default
    networks.find_device("cpu")
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("built_with", [None, "12.6"])
def test_a_gpu_that_cannot_be_had_is_told_with_what_is_lacking(monkeypatch, built_with):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built_with)
    with pytest.raises(InputError, match="--device cpu") as raised:
        networks.find_device("cuda")
    assert ("TORCH=gpu" in str(raised.value)) == (built_with is None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_network_says_on_a_gpu_what_it_says_on_the_cpu():
    torch.manual_seed(0)
    network = networks.build(settings.load("demo").model).eval()
    images = torch.rand(4, 3, 192, 192)
    with torch.inference_mode():
        expected = network(images)
        got = network.to(networks.find_device("cuda"))(images.cuda()).cpu()
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)  # TF32 keeps three digits
