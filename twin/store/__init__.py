"""The only client of Feast and pgvector: facts by similarity and words, exemplars by register and diversity."""

from twin.store.client import Hit, Store, Style

__all__ = ["Hit", "Store", "Style"]
