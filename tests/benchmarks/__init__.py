"""What takes how long, beside its floor and beside the published way (docs/performance.md)."""
