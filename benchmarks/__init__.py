"""Measurements. Each module is a command of its own: ./run python -m benchmarks.catalogue"""
