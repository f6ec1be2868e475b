"""Weights of timm's networks: from a hub on loopback that answers as the public one, or a file."""

import hashlib
import urllib.parse

import huggingface_hub.constants
import pytest
import safetensors.torch
import timm
import torch

from loopback import Reply, serve
from urbancam.learning.models import networks
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings

NAME = "test_vit.r160_in1k"
COMMIT = "a" * 40


def build(*assignments: str) -> networks.Network:
    asked = [f"model.backbone=timm/{NAME}", *assignments]
    return networks.build(settings.load("demo-tiny", asked).model)


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """The state dict that the hub publishes, classifier and all."""
    torch.manual_seed(7)
    return timm.create_model(NAME).state_dict()


def serve_weights(body: bytes | None, monkeypatch, tmp_path, status: int = 200):
    """A hub with the weights as `model.safetensors`; without a body it answers `status`."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)

    def answer(handler, number: int) -> Reply:
        path = urllib.parse.unquote(urllib.parse.urlparse(handler.path).path)
        if body is None:
            return Reply(status=status)
        if not path.endswith(f"timm/{NAME}/resolve/main/model.safetensors"):
            return Reply(status=404, headers={"X-Error-Code": "EntryNotFound"})
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        return Reply(body, headers={"X-Repo-Commit": COMMIT, "ETag": etag})

    return serve(answer)


def ask(address: str, monkeypatch) -> None:
    """As `HF_ENDPOINT` does, which is read when the client is loaded."""
    constants = huggingface_hub.constants
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", address)


def test_published_weights_come_from_the_hub_once(published, monkeypatch, tmp_path):
    body = safetensors.torch.save(published)
    with serve_weights(body, monkeypatch, tmp_path) as (address, requests):
        ask(address, monkeypatch)
        got = build("model.weights=pretrained").features
        build("model.weights=pretrained")
    assert torch.equal(got.body.blocks[0].mlp.fc1.weight, published["blocks.0.mlp.fc1.weight"])
    assert torch.equal(got.body.norm.weight, published["norm.weight"])
    sent = [path for path, headers in requests if "model.safetensors" in path]
    assert len(sent) <= 3  # asked, fetched, asked again


@pytest.mark.parametrize("status", [404, 500, 503])
def test_weights_that_the_hub_does_not_give_name_the_file_to_fetch(status, monkeypatch, tmp_path):
    with serve_weights(None, monkeypatch, tmp_path, status) as (address, _):
        ask(address, monkeypatch)
        with pytest.raises(InputError) as caught:
            build("model.weights=pretrained")
    message = str(caught.value)
    assert f"{address}/timm/{NAME}/resolve/main/model.safetensors" in message
    assert "--set model.weights=FILE" in message


def test_hub_that_is_away_names_the_file_to_fetch(monkeypatch, tmp_path):
    with serve_weights(None, monkeypatch, tmp_path) as (address, _):
        pass
    ask(address, monkeypatch)
    with pytest.raises(InputError, match="cannot be had.*\n.*model.safetensors\n.*weights=FILE"):
        build("model.weights=pretrained")


def test_damaged_download_is_told(monkeypatch, tmp_path):
    with serve_weights(b"no weights at all", monkeypatch, tmp_path) as (address, _):
        ask(address, monkeypatch)
        with pytest.raises(InputError, match="cannot be had"):
            build("model.weights=pretrained")


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_weights_of_a_file(published, tmp_path, ending):
    path = tmp_path / f"vit{ending}"
    safetensors.torch.save_file(published, path) if ending == ".safetensors" else torch.save(
        published, path
    )
    got = build(f"model.weights={path}").features
    assert torch.equal(got.body.pos_embed, published["pos_embed"])


def test_position_embeddings_of_another_size_are_laid_on_the_images_patches(published, tmp_path):
    torch.save(published, tmp_path / "vit.pth")
    network = build(f"model.weights={tmp_path}/vit.pth").eval()
    with torch.inference_mode():
        assert network.features(torch.zeros(1, 3, 96, 96)).shape[2:] == (6, 6)
        own = network.features(torch.ones(1, 3, 160, 160))
    reference = timm.create_model(NAME).eval()
    reference.load_state_dict(published)
    with torch.inference_mode():
        tokens = reference.fc_norm(reference.forward_features(torch.ones(1, 3, 160, 160)))
    expected = tokens[:, reference.num_prefix_tokens :].transpose(1, 2).reshape(own.shape)
    torch.testing.assert_close(own, expected)


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_file_that_is_no_weights_of_the_network_is_refused(content, tmp_path):
    path = tmp_path / "other.pth"
    if content is None:
        torch.save(timm.create_model("test_resnet").state_dict(), path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="not those of timm's test_vit"):
        build(f"model.weights={path}")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="gone.pth"):
        build(f"model.weights={tmp_path}/gone.pth")
