"""Backbones of timm: what four families need for exact contributions, and what is refused."""

import pytest
import torch

from urbancam.explaining import activation, receptive_fields
from urbancam.learning.models import backbones, networks
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings

# Small networks, one for each family; timm's own for tests where it has them.
NAMES = [
    "timm/test_resnet",
    "timm/test_efficientnet",
    "timm/tf_efficientnet_b0",
    "timm/test_convnext",
    "timm/test_vit",
    "timm/test_vit2",  # a norm behind the pooling
    "timm/test_vit3",  # attention in the place of the pooling
    "timm/vit_tiny_patch16_224",
    "timm/vit_small_patch14_reg4_dinov2",
    "timm/vit_small_patch16_dinov3",
]
SIZE_PX = {"timm/vit_small_patch14_reg4_dinov2": 70}
TOKENS = NAMES[4:]


def build(name: str, *assignments: str) -> networks.Network:
    torch.manual_seed(0)
    size_px = SIZE_PX.get(name, 64)
    asked = [f"model.backbone={name}", f"image.size_px={size_px}", *assignments]
    return networks.build(settings.load("demo-tiny", asked).model).eval()


def random_images(name: str) -> torch.Tensor:
    size_px = SIZE_PX.get(name, 64)
    return torch.randn(2, 3, size_px, size_px, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("head", ["binomial", "softmax"])
@pytest.mark.parametrize("name", NAMES)
def test_logit_is_the_bias_plus_what_the_positions_contribute(name, head):
    network = build(name, f"model.head={head}")
    torch.nn.init.normal_(network.linear.bias)
    layer = backbones.find_backbone(name).target_layer
    maps = activation.compute_maps(network, random_images(name), layer)
    total = maps.contribution.sum((1, 2)) + maps.bias
    assert total.numpy() == pytest.approx(maps.logit.numpy(), rel=1e-4, abs=1e-5)
    assert maps.contribution.flatten(1).std(1).min() > 1e-6  # no two places alike
    assert not maps.flat[0].any()


@pytest.mark.parametrize("name", NAMES)
def test_record_tells_what_the_network_does(name):
    record = backbones.find_backbone(name)
    with torch.inference_mode():
        features = build(name).features(random_images(name))
    assert features.shape[1] == record.channels
    assert record.has_tokens == (name in TOKENS)
    assert record.licence in ("apache-2.0", "dinov3-license")


def test_mean_and_std_are_those_of_the_pretraining():
    pixels = torch.full((1, 3, 2, 2), 255.0)
    assert build("timm/test_vit").normalised(pixels, "pretrained").unique() == 1
    clip = backbones.find_backbone("timm/vit_base_patch16_clip_224.openai").colours
    assert clip.mean == (0.48145466, 0.4578275, 0.40821073)
    assert build("timm/test_vit").normalised(pixels, "imagenet").max() > 2


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_lies_on_its_patch(name):
    network = build(name)
    size_px = SIZE_PX.get(name, 64)
    patch_px = network.features.body.patch_embed.patch_size[0]
    lattice = receptive_fields.lay(
        "receptive_field", network.features, "", size_px, size_px // patch_px
    )
    assert lattice == receptive_fields.equal_parts(size_px, size_px // patch_px)


def test_tokens_stand_where_their_patches_do():
    network = build("timm/test_vit")
    for block in network.features.body.blocks:  # without attention a token sees its patch alone
        torch.nn.init.zeros_(block.attn.proj.weight)
    images = random_images("timm/test_vit")
    changed = images.clone()
    changed[:, :, 16:32, 48:64] += 1
    with torch.inference_mode():
        moved = (network.features(images) - network.features(changed)).abs().sum((0, 1)) > 1e-4
    assert moved.nonzero().tolist() == [[1, 3]]


def test_size_that_the_patch_does_not_divide_is_refused():
    with pytest.raises(InputError, match="image.size_px 64 is no multiple of the 14 px.*56 is"):
        settings.load("demo-tiny", ["model.backbone=timm/vit_small_patch14_dinov2"])
    with pytest.raises(InputError, match="16 px do not divide images of 70 px"):
        build("timm/test_vit")(torch.zeros(1, 3, 70, 70))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("timm/resnet19", "no network 'resnet19'"),
        ("timm/resnet18.made_up", "no network 'resnet18.made_up'"),
        ("timm/swin_tiny_patch4_window7_224", "SwinTransformer: where in the image"),
        ("timm/mixnet_s", "one behind the other"),
        ("timm/vit_tiny_r_s16_p8_224", "one behind the other"),
    ],
)
def test_structure_that_cannot_be_mapped_is_refused_with_the_reason(name, reason):
    with pytest.raises(InputError, match=reason):
        backbones.find_backbone(name)


def test_settings_reach_the_network():
    network = build("timm/test_efficientnet", "model.drop_connect=0.3")
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.1, 1e-5)}
    drops = [module.drop_prob for module in network.modules() if hasattr(module, "drop_prob")]
    assert 0.2 < max(drops) <= 0.3
