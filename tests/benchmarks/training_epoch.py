"""Filling the cache of decoded images, and a training epoch that reads them from it."""

import atexit
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from benchmarks.measuring import NotMeasuredError, Target, Ways, benchmark
from urbancam.learning.inputs import augmentation, datasets, images
from urbancam.learning.models import networks
from urbancam.learning.training import inference, loop
from urbancam.sources.imagery import png
from urbancam.workflow.settings import settings
from urbancam.workflow.settings.settings import Settings

SIDE_PX = 1000  # of a cell's image on disk, 200 m
SMOOTH_PX = 3  # so that noise takes up about as much as imagery does
THREADS = 2  # that decode
PUBLISHED = ["training.augment=flips", "image.normalise=min_max", "image.resample=bicubic"]
WITHOUT_CHANCE = ["model.dropout=0", "model.drop_connect=0"]  # so that losses can be compared
OF_MEMORY = 1.053  # of the floor at most: .95 of the speed of a batch in memory


@benchmark("decoding images into the cache, 512 px", Target(ratio=1.2), "ms a cell", repeats=5)
def filling_the_cache(tiny: bool) -> Ways:
    """Images of 1000 px by two threads into a new cache, against decoding and resizing alone."""
    folder = scratch_folder()
    files = draw_images(folder, 2 if tiny else 48)
    size_px = 64 if tiny else 512
    numbers = itertools.count()

    def ours() -> None:
        path = folder / f"cache_{next(numbers)}.npy"
        images.open_cache(path, files, size_px, "bilinear", THREADS)
        path.unlink()

    def decode(file: Path) -> None:
        with Image.open(file) as image:
            image.resize((size_px, size_px), Image.Resampling.BILINEAR)

    def floor() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(decode, files))

    return Ways(ours, floor, items=len(files))


@benchmark(
    "a training epoch, ResNet-18 at 64 px",
    Target(ratio=OF_MEMORY, speedup=3),
    "ms a cell",
    repeats=11,  # turns of half a second, which differ by a tenth
)
def epoch_of_small_network(tiny: bool) -> Ways:
    """The steps of an epoch from the cache, a network as small as a GPU makes a large one; the same
    steps on one batch in memory; and with every image decoded, resized anew."""
    return compare("resnet18", 64, *((8, 4) if tiny else (48, 16)), torch.device("cpu"))


@benchmark(
    "a training epoch, EfficientNet-B0 at 192 px",
    Target(ratio=OF_MEMORY, speedup=3),
    "ms a cell",
    repeats=3,
)
def epoch_of_large_network(tiny: bool) -> Ways:
    """The same with the network and pixels of the income experiment on a CPU."""
    size_px, cells, batch = (64, 8, 4) if tiny else (192, 24, 8)
    return compare("efficientnet-b0", size_px, cells, batch, torch.device("cpu"))


@benchmark(
    "a training epoch on a GPU, EfficientNet-B0 at 512 px",
    Target(ratio=OF_MEMORY, speedup=3),
    "ms of wall time a cell",
    repeats=3,
    wall=True,
)
def epoch_on_gpu(tiny: bool) -> Ways:
    """The same on a GPU, bfloat16, loaded by the processes that a training has; over the floor
    is the time that the GPU waits."""
    if not torch.cuda.is_available():
        raise NotMeasuredError("no GPU")
    size_px, cells, batch = (64, 8, 4) if tiny else (512, 1024, 32)
    return compare("efficientnet-b0", size_px, cells, batch, torch.device("cuda"), workers=8)


def compare(
    backbone: str, size_px: int, cells: int, batch: int, device: torch.device, workers: int = 1
) -> Ways:
    """Ways through an epoch, each with a network of its own, from the same weights on."""
    folder = scratch_folder()
    files = draw_images(folder, cells)
    sizes = [f"model.backbone={backbone}", f"image.size_px={size_px}"]
    asked = settings.load(
        "default", [*sizes, f"training.batch_size={batch}", *PUBLISHED, *WITHOUT_CHANCE]
    )
    cache = images.open_cache(folder / "cache.npy", files, size_px, "bicubic", THREADS)
    items = datasets.LabelledImages(
        cache, np.arange(cells), np.arange(cells) % 5, augmentation.flips
    )
    from_cache, from_memory, published = (
        make_trainer(asked, items, folder / str(number), device, workers) for number in range(3)
    )
    order = from_cache.schedule.epoch(0)
    at_hand = next(inference.load_batches(items, order[:1], 1, device))

    def ours() -> float:
        return from_cache._train_epoch()

    def floor() -> float:
        return train(from_memory, itertools.repeat(at_hand, len(order)))

    def as_published() -> float:
        decoded = decode_batches(files, items, order, asked)
        return train(published, ((one.to(device), two.to(device)) for one, two in decoded))

    return Ways(ours, floor, as_published, check_same, items=cells)


def make_trainer(
    asked: Settings,
    items: datasets.LabelledImages,
    folder: Path,
    device: torch.device,
    workers: int,
) -> loop.Trainer:
    torch.manual_seed(0)
    network = networks.build(asked.model, pretrained=False).to(device)
    folder.mkdir()
    return loop.Trainer(network, items, items, asked, folder, "", 0, workers)


def train(trainer: loop.Trainer, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """The steps of an epoch as the trainer takes them; the mean loss over images."""
    trainer.network.train()
    losses, counts = [], []
    for step, (pixels, classes) in enumerate(batches):
        trainer.rate.before_step(step)
        loss = trainer._loss(pixels, classes)
        trainer.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        trainer.optimiser.step()
        losses.append(loss.detach())
        counts.append(len(classes))
    return float(np.average([float(loss) for loss in losses], weights=counts))


def decode_batches(
    files: list[Path], items: datasets.LabelledImages, order: list[np.ndarray], asked: Settings
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Every image decoded, resized on uint8 and mirrored (R 3.3); the step scales them."""
    side = asked.image.size_px, asked.image.size_px
    for batch in order:
        pixels = np.empty((len(batch), *side, 3), np.float32)
        for place, item in enumerate(batch):
            with Image.open(files[item]) as image:
                resized = image.convert("RGB").resize(side, Image.Resampling.BICUBIC)
            generator = np.random.default_rng([items.seed, items.epoch, int(item)])
            pixels[place] = augmentation.flips(np.asarray(resized), generator)
        classes = torch.from_numpy(items.classes[batch].astype(np.int64))
        yield torch.from_numpy(pixels).permute(0, 3, 1, 2), classes


def check_same(ours: float, published: float) -> None:
    """The mean loss of the first epoch, of the same images, weights and draws."""
    assert abs(ours - published) < 1e-5 * ours


def scratch_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="urbancam-epoch-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def draw_images(folder: Path, count: int) -> list[Path]:
    """Images of cells as step 05 leaves them: smooth noise, each another part of one picture."""
    grey = np.random.default_rng(0).normal(size=(SIDE_PX, SIDE_PX, 3)).astype("float32")
    grey = ndimage.gaussian_filter(grey, (SMOOTH_PX, SMOOTH_PX, 0))
    picture = np.clip(128 + 40 * grey / grey.std(), 20, 235).astype(np.uint8)
    files = [folder / f"{number}.png" for number in range(count)]
    for number, file in enumerate(files):
        png.write(file, np.roll(picture, 10 * number, axis=1), {})
    return files
