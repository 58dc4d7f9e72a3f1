"""Samklang keeps the systems of a trading company in step."""

__version__ = "0.1.0"
