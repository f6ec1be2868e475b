"""Time that a busy machine does not stretch, for tests."""

import os


def cpu_seconds() -> float:
    """CPU time so far of this process and of those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
