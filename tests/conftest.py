"""Before anything imports torch: waiting threads sleep instead of spinning, as the scripts have it (command.guard)."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
