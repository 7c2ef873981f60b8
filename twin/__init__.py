"""The twin: all logic of the LLM Twin Writer."""

__version__ = "0.1.0"
