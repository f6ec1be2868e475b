"""Which images make up each batch, from the seed alone: a resumed training goes on alike."""

import numpy as np

from urbancam.workflow.errors import InputError


class BatchSchedule:
    """Which items make up each batch of each epoch.

    Items are drawn without replacement from a running permutation that is drawn anew after each
    full pass. With `balanced` every batch holds the classes in equal numbers, each from its own
    running permutation (published for incomes); "drawn": each item is drawn with replacement, with
    weight 1 / size of its class (published for cities).

    Args:
        classes: (N,) class of each item.
        batch_size: Number of items in a batch; with `balanced` True a multiple of the number of
            classes.
        batches_per_epoch: None for one pass over the items per epoch, else the number of batches of
            a "virtual" epoch.
        balanced: Class-balanced batches: False, True or "drawn".
        seed: Seed of the permutations and draws.

    Raises:
        InputError: The batches cannot hold the classes in equal numbers.
    """

    def __init__(
        self,
        classes: np.ndarray,
        batch_size: int,
        batches_per_epoch: int | None,
        balanced: bool | str,
        seed: int,
    ) -> None:
        n_items = len(classes)
        self.members = _members(np.asarray(classes), bool(balanced))
        self.with_replacement = balanced == "drawn"
        if not self.with_replacement and batch_size % len(self.members):
            raise InputError(
                f"batches of {batch_size} cannot hold {len(self.members)} classes in equal numbers",
                "training.batch_size",
                f"give a multiple of {len(self.members)}, or training.class_balanced=drawn",
            )
        self.batch_size = batch_size
        self.seed = seed
        self.one_pass = batches_per_epoch is None and not balanced
        if batches_per_epoch is None:
            self.items_per_epoch = n_items
        else:
            self.items_per_epoch = batch_size * batches_per_epoch
        self.batches_per_epoch = batches_per_epoch or -(-n_items // batch_size)
        self._permutations: dict[tuple[int, int], np.ndarray] = {}

    def epoch(self, number: int) -> list[np.ndarray]:
        """Batches of one epoch (0-based), each an array of items.

        The last batch of a whole epoch may be smaller, but is never a single item.
        """
        if self.with_replacement:
            return self._split(self._draw(number))
        if self.one_pass:
            return self._split(self._permutation(0, number))
        first = number * self.batches_per_epoch
        return [self._batch(first + offset) for offset in range(self.batches_per_epoch)]

    def _split(self, items: np.ndarray) -> list[np.ndarray]:
        # Batch norm cannot learn from a batch of one.
        starts = range(0, max(len(items) - 1, 1), self.batch_size)
        return [items[start : start + self.batch_size] for start in starts]

    def _draw(self, number: int) -> np.ndarray:
        """(items_per_epoch,) items of an epoch: a class at random, then one of its items."""
        generator = np.random.default_rng([self.seed, number])
        sizes = np.array([len(items) for items in self.members])
        first_places = np.cumsum(sizes) - sizes
        classes = generator.integers(len(sizes), size=self.items_per_epoch)
        places = first_places[classes] + generator.integers(sizes[classes])
        return np.concatenate(self.members)[places]

    def _batch(self, number: int) -> np.ndarray:
        """Items of a batch counted over all epochs: the classes in turn, in equal numbers."""
        n_classes = len(self.members)
        items_per_class = self.batch_size // n_classes
        first = number * items_per_class
        items = []
        for position in range(first, first + items_per_class):
            for class_number in range(n_classes):
                items.append(self._item(class_number, position))
        return np.array(items)

    def _item(self, class_number: int, position: int) -> int:
        """The item at a position of a class's running permutation."""
        size = len(self.members[class_number])
        permutation = self._permutation(class_number, position // size)
        return int(permutation[position % size])

    def _permutation(self, class_number: int, number: int) -> np.ndarray:
        """The items of a class in the order of one pass."""
        key = (class_number, number)
        if key not in self._permutations:
            generator = np.random.default_rng([self.seed, class_number, number])
            self._permutations[key] = generator.permutation(self.members[class_number])
        return self._permutations[key]


def _members(classes: np.ndarray, balanced: bool) -> list[np.ndarray]:
    """The items of each class; without balance all items are as of one class."""
    if not balanced:
        return [np.arange(len(classes))]
    return [np.flatnonzero(classes == k) for k in np.unique(classes)]
