"""The prompt chain: one brief in, one draft with its sources, flags and steps out."""

from twin.writing.chain import Chain, Commission

__all__ = ["Chain", "Commission"]
