"""The ordinal head against its identities and against dlordinal; the softmax head."""

import math

import numpy as np
import pytest
import torch

from urbancam.learning.models import heads
from urbancam.workflow.errors import InputError

LOGITS = torch.linspace(-8, 8, 161, dtype=torch.float64)


def naive_probabilities(p: float) -> list[float]:
    return [math.comb(4, k) * p**k * (1 - p) ** (4 - k) for k in range(5)]


def test_t2_probabilities_are_binomial():
    got = heads.binomial_log_probabilities(LOGITS).exp()
    expected = [naive_probabilities(p) for p in torch.sigmoid(LOGITS).tolist()]
    assert np.allclose(got, expected, atol=1e-12)
    assert np.allclose(got.sum(1), 1)


def test_t2_loss_is_the_cross_entropy_of_the_binomial():
    classes = torch.arange(161) % 5
    got = heads.binomial_loss(LOGITS[:, None], classes)
    log_probabilities = heads.binomial_log_probabilities(LOGITS)
    expected = -log_probabilities[torch.arange(161), classes].mean()
    assert got.item() == pytest.approx(expected.item(), rel=1e-12)


def test_t2_argmax_is_floor_of_5p():
    p = torch.sigmoid(LOGITS)
    inside = (5 * p - (5 * p).round()).abs() > 1e-9  # at k/5 two classes tie
    got = heads.binomial_log_probabilities(LOGITS).argmax(1)
    expected = (5 * p).floor().clamp(max=4).long()
    assert torch.equal(got[inside], expected[inside])


def test_t2_published_loss():
    loss = heads.binomial_loss(torch.zeros(5, 1), torch.arange(5))
    assert loss.item() == pytest.approx(1.860, abs=5e-4)


def test_t2_published_peaks():
    logits = torch.logit(torch.tensor([0.25, 0.5, 0.75]))
    probabilities = heads.binomial_log_probabilities(logits).exp()
    got = probabilities.max(1).values
    assert got.tolist() == pytest.approx([0.422, 0.375, 0.422], abs=5e-4)


def test_loss_stays_finite_where_probabilities_underflow():
    logits = torch.tensor([[200.0], [-200.0]])
    assert torch.isfinite(heads.binomial_loss(logits, torch.tensor([0, 4])))


def test_head_agrees_with_dlordinal():
    from dlordinal.soft_labelling import get_binomial_soft_labels

    # Its soft label of class j is the binomial with p = (2j + 1) / 10.
    expected = get_binomial_soft_labels(5)
    p = torch.tensor([(2 * j + 1) / 10 for j in range(5)], dtype=torch.float64)
    got = heads.binomial_log_probabilities(torch.logit(p)).exp()
    assert np.allclose(got, expected, atol=1e-6)


def test_binomial_head_has_one_output():
    assert heads.find_head("binomial", 1) is heads.HEADS["binomial"]
    with pytest.raises(InputError, match="model.head=softmax"):
        heads.find_head("binomial", 45)
