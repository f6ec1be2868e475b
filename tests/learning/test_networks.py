"""The ordinal head against its identities and against dlordinal; weights in and out."""

import math

import numpy as np
import pytest
import torch

from urbancam.learning import backbones, heads, networks, weight_files
from urbancam.workflow import settings
from urbancam.workflow.errors import InputError

LOGITS = torch.linspace(-8, 8, 161, dtype=torch.float64)


def naive_probabilities(p: float) -> list[float]:
    return [math.comb(4, k) * p**k * (1 - p) ** (4 - k) for k in range(5)]


def test_t2_probabilities_are_binomial():
    got = heads.binomial_log_probabilities(LOGITS).exp()
    expected = [naive_probabilities(p) for p in torch.sigmoid(LOGITS).tolist()]
    assert np.allclose(got, expected, atol=1e-12) and np.allclose(got.sum(1), 1)


def test_t2_loss_is_the_cross_entropy_of_the_binomial():
    classes = torch.arange(161) % 5
    got = heads.binomial_loss(LOGITS[:, None], classes)
    expected = -heads.binomial_log_probabilities(LOGITS)[torch.arange(161), classes].mean()
    assert got.item() == pytest.approx(expected.item(), rel=1e-12)


def test_t2_argmax_is_floor_of_5p():
    p = torch.sigmoid(LOGITS)
    inside = (5 * p - (5 * p).round()).abs() > 1e-9  # at k/5 two classes tie
    got = heads.binomial_log_probabilities(LOGITS).argmax(1)[inside]
    assert torch.equal(got, (5 * p).floor().clamp(max=4).long()[inside])


def test_t2_published_values():
    assert heads.binomial_loss(torch.zeros(5, 1), torch.arange(5)).item() == pytest.approx(
        1.860, abs=5e-4
    )
    peaks = (
        heads.binomial_log_probabilities(torch.logit(torch.tensor([0.25, 0.5, 0.75])))
        .exp()
        .max(1)
        .values
    )
    assert peaks.tolist() == pytest.approx([0.422, 0.375, 0.422], abs=5e-4)


def test_loss_stays_finite_where_probabilities_underflow():
    assert torch.isfinite(
        heads.binomial_loss(torch.tensor([[200.0], [-200.0]]), torch.tensor([0, 4]))
    )


def test_head_agrees_with_dlordinal():
    from dlordinal.soft_labelling import get_binomial_soft_labels

    # Its soft label of class j is the binomial with p = (2j + 1) / 10.
    expected = get_binomial_soft_labels(5)
    p = torch.tensor([(2 * j + 1) / 10 for j in range(5)], dtype=torch.float64)
    got = heads.binomial_log_probabilities(torch.logit(p)).exp()
    assert np.allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["efficientnet-b0", "resnet18", "resnet34", "resnet50", "resnet101"]
)
def test_backbone_record_tells_channels_and_target_layer(name):
    made = settings.load("demo", [f"model.backbone={name}"]).model
    network = networks.build(made)
    record = backbones.find_backbone(name)
    network.features.get_submodule(record.target_layer)
    with torch.inference_mode():
        assert network.eval().features(torch.zeros(1, 3, 64, 64)).shape[1] == record.channels


def test_softmax_head_serves_any_number_of_classes():
    made = settings.load("demo", ["model.backbone=resnet18", "model.head=softmax"]).model
    network, head = networks.build(made, outputs=45).eval(), heads.find_head("softmax", 45)
    with torch.inference_mode():
        got = head.log_probabilities(network(torch.rand(2, 3, 64, 64))).exp()
    assert got.shape == (2, 45) and torch.allclose(got.sum(1), torch.ones(2))


def test_binomial_head_has_one_output():
    assert heads.find_head("binomial", 1) is heads.HEADS["binomial"]
    with pytest.raises(InputError, match="model.head=softmax"):
        heads.find_head("binomial", 45)


def test_batch_norm_settings_reach_the_network():
    network = networks.build(settings.load("default", ["model.weights=random"]).model)
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(round(m.momentum, 6), m.eps) for m in norms} == {(0.01, 0.001)}


def test_saved_weights_come_back(tmp_path):
    made = settings.load("demo").model
    network = networks.build(made).eval()
    weight_files.save(network.state_dict(), tmp_path / "weights.pt")
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(networks.load(tmp_path / "weights.pt", made)(images), network(images))


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


def test_weights_of_another_backbone_are_refused(tmp_path):
    other = networks.build(settings.load("demo", ["model.backbone=resnet18"]).model)
    torch.save(other.features.state_dict(), tmp_path / "resnet.pt")
    with pytest.raises(InputError, match="not of this backbone"):
        networks.build(settings.load("demo", [f"model.weights={tmp_path / 'resnet.pt'}"]).model)


def test_named_weights_are_used(tmp_path):
    source = networks.build(settings.load("demo").model)
    torch.save(source.features.state_dict(), tmp_path / "b0.pt")
    got = networks.build(settings.load("demo", [f"model.weights={tmp_path / 'b0.pt'}"]).model)
    assert torch.equal(got.features._conv_head.weight, source.features._conv_head.weight)


def test_imagenet_weights_that_cannot_be_had_say_what_to_do(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise weight_files.URLError("no route")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    with pytest.raises(InputError, match="model.weights=FILE"):
        networks.build(settings.load("default").model)


def test_unknown_backbone_is_named():
    with pytest.raises(InputError, match="efficientnet-b9.*\n.*\n.*efficientnet-b0"):
        networks.build(settings.load("demo", ["model.backbone=efficientnet-b9"]).model)
