"""Weights of networks trained elsewhere: renamed, checked, refused where they would run code."""

import pytest
import torch
import torchvision

from urbancam.cities import checkpoints
from urbancam.learning.models import networks
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings

MODEL = [
    "model.backbone=resnet18",
    "model.head=softmax",
    "model.weights=random",
    "model.batch_norm_epsilon=1e-5",
]


def network(outputs: int = 7) -> networks.Network:
    return networks.build(settings.load("default", MODEL).model, outputs=outputs).eval()


@pytest.fixture(scope="module")
def published() -> torch.nn.Module:
    """A network as DL-SLICER trained them: torchvision's ResNet, in DataParallel."""
    torch.manual_seed(0)
    return torch.nn.DataParallel(torchvision.models.resnet18(num_classes=7)).eval()


def test_state_dict_of_torchvision_gives_the_same_network(published, tmp_path):
    torch.save(published.state_dict(), tmp_path / "weights.pt")
    ours = network()
    images = torch.rand(2, 3, 64, 64)
    checkpoints.fill(ours, checkpoints.read(tmp_path / "weights.pt"), tmp_path)
    with torch.inference_mode():
        assert torch.allclose(ours(images), published.module(images), atol=1e-5)


def test_pickled_module_is_refused_with_what_it_risks(published, tmp_path):
    torch.save(published, tmp_path / "model_80.pth")
    with pytest.raises(InputError, match="model_80(.|\n)*RUNS CODE"):
        checkpoints.read(tmp_path / "model_80.pth")


def test_pickled_module_is_read_where_asked(published, tmp_path):
    torch.save(published, tmp_path / "model_80.pth")
    got = checkpoints.read(tmp_path / "model_80.pth", unpickle=True)
    assert torch.equal(got["linear.weight"], published.module.fc.weight)
    assert "features.layer4.1.bn2.weight" in got


def test_own_state_dicts_stay_as_they_are():
    state = network().state_dict()
    assert checkpoints.rename(state).keys() == state.keys()


def test_other_cities_are_named(published):
    state = checkpoints.rename(published.state_dict())
    expected = r"linear.bias is \(7,\), not \(45,\)(.|\n)*exactly their cities"
    with pytest.raises(InputError, match=expected):
        checkpoints.fill(network(45), state, "weights.pt")


def test_missing_tensors_are_counted(published):
    state = checkpoints.rename(published.state_dict())
    del state["linear.bias"]
    with pytest.raises(InputError, match="1 tensors missing"):
        checkpoints.fill(network(), state, "weights.pt")


@pytest.mark.parametrize("unpickle", [False, True])
@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 cut short", None])
def test_damaged_files_are_named(tmp_path, content, unpickle):
    path = tmp_path / "weights.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="weights.pt"):
        checkpoints.read(path, unpickle)


@pytest.mark.parametrize("unpickle", [False, True])
def test_a_file_of_something_else_is_no_network(tmp_path, unpickle):
    torch.save([1, 2], tmp_path / "weights.pt")
    with pytest.raises(InputError, match="holds no (state dict|pickled module)"):
        checkpoints.read(tmp_path / "weights.pt", unpickle)
