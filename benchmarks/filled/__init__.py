"""The parts of a filled database (benchmarks/filling.py). Each gives what it writes in pages, in transactions of their
own; Django must have been set up before they are imported."""
