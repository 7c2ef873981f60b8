"""The prompt chain: one brief in, one draft with its sources, flags and steps out."""

from twin.writing.chain import Chain
from twin.writing.work import ACTIONS, THREAD, Commission, Given

__all__ = ["ACTIONS", "THREAD", "Chain", "Commission", "Given"]
