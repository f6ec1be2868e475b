"""Which images make up each batch, from the seed alone."""

import numpy as np

from urbancam.workflow.errors import InputError


class BatchSchedule:
    """Which items make up each batch of each epoch, from the seed alone, so that a resumed training goes on alike.

    Items are drawn without replacement from a running permutation that is drawn anew after each full pass. With
    `balanced` every batch holds the classes in equal numbers, each from its own running permutation (published for
    incomes); "drawn": each item is drawn with replacement, with weight 1 / size of its class (published for cities).

    Args:
        classes: (N,) class of each item.
        batch_size: items in a batch; with `balanced` True a multiple of the number of classes.
        batches_per_epoch: None for one pass over the items per epoch, else a "virtual" epoch of that many batches.
        balanced: class-balanced batches: False, True or "drawn".
        seed: of the permutations and draws.
    """

    def __init__(
        self,
        classes: np.ndarray,
        batch_size: int,
        batches_per_epoch: int | None,
        balanced: bool | str,
        seed: int,
    ) -> None:
        classes = np.asarray(classes)
        self.members = [np.flatnonzero(classes == c) for c in np.unique(classes)]
        if not balanced:
            self.members = [np.arange(len(classes))]
        self.drawn = balanced == "drawn"
        if not self.drawn and batch_size % len(self.members):
            raise InputError(
                f"batches of {batch_size} cannot hold {len(self.members)} classes in equal numbers",
                "training.batch_size",
                f"give a multiple of {len(self.members)}, or training.class_balanced=drawn",
            )
        self.batch_size, self.seed = batch_size, seed
        self._permutations: dict[tuple[int, int], np.ndarray] = {}
        self.whole = batches_per_epoch is None and not balanced
        self.items = len(classes) if batches_per_epoch is None else batch_size * batches_per_epoch
        self.batches_per_epoch = batches_per_epoch or -(-len(classes) // batch_size)

    def epoch(self, number: int) -> list[np.ndarray]:
        """Batches of one epoch (0-based); the last of a whole epoch may be smaller, but never a single item."""
        if self.whole or self.drawn:
            order = self._draw(number) if self.drawn else self._permutation(0, number)
            starts = range(0, max(len(order) - 1, 1), self.batch_size)
            return [order[start : start + self.batch_size] for start in starts]
        first = number * self.batches_per_epoch
        return [self._batch(first + offset) for offset in range(self.batches_per_epoch)]

    def _draw(self, number: int) -> np.ndarray:
        """(items,) items of an epoch: a class at random, then one of its items."""
        generator = np.random.default_rng([self.seed, number])
        sizes = np.array([len(items) for items in self.members])
        kinds = generator.integers(len(sizes), size=self.items)
        return np.concatenate(self.members)[
            (np.cumsum(sizes) - sizes)[kinds] + generator.integers(sizes[kinds])
        ]

    def _batch(self, number: int) -> np.ndarray:
        each = self.batch_size // len(self.members)
        positions = range(number * each, (number + 1) * each)
        return np.array(
            [self._item(kind, p) for p in positions for kind in range(len(self.members))]
        )

    def _item(self, kind: int, position: int) -> int:
        size = len(self.members[kind])
        return int(self._permutation(kind, position // size)[position % size])

    def _permutation(self, kind: int, number: int) -> np.ndarray:
        if (kind, number) not in self._permutations:
            generator = np.random.default_rng([self.seed, kind, number])
            self._permutations[kind, number] = generator.permutation(self.members[kind])
        return self._permutations[kind, number]
