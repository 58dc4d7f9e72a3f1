"""python -m samklang: the same as the command `samklang`."""

from samklang.cli import main

main()
