"""IGN's aerial imagery: packs, tile index, Atom and WMS clients."""
