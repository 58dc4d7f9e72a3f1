"""Stand-ins of outside systems, true to the vendor's own documents, with faults to switch on.

`python -m samklang.sandboxes NAME --port N` serves one; tests and the demo also start them inside a process.
"""
