"""Evaluation: likelihood, style, copying and fluency on held-out texts, each figure with its interval."""
