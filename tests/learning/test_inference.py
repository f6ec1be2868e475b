"""What a network says of images: scores, and the table of predictions."""

import numpy as np
import pandas as pd
import pytest
import torch

from urbancam.learning.models import heads
from urbancam.learning.training import inference

LOGITS = torch.tensor([[-3.0], [0.0], [3.0]])
IDS = pd.Series(["a", "b", "c"])


def test_score_is_the_mean_cross_entropy_and_the_share_of_hits():
    out = torch.zeros(4, 5)
    out[:, 0] = 1.0
    loss, accuracy = inference.score(heads.HEADS["softmax"], out, np.array([0, 0, 0, 4]))
    log_sum = np.log(np.e + 4)
    assert loss == pytest.approx(log_sum - 3 / 4)
    assert accuracy == 0.75


def test_table_of_the_binomial_head():
    got = inference.prediction_table(IDS, 2, LOGITS, "binomial")
    assert got["logit"].tolist() == [-3, 0, 3]
    assert got["p"].to_numpy() == pytest.approx(1 / (1 + np.exp([3, 0, -3])))
    assert got["predicted_class"].tolist() == [0, 2, 4]
    assert (got["fold"] == 2).all()


def test_table_of_the_softmax_head_has_no_logit_and_the_expected_class():
    out = torch.tensor([[0.0, 0, 0, 0, 0], [0, 0, 0, 0, 100], [100, 0, 0, 0, 0]])
    got = inference.prediction_table(IDS, 0, out, "softmax")
    assert got["logit"].isna().all()
    assert got["p"].to_numpy() == pytest.approx([0.5, 1, 0], abs=1e-9)
