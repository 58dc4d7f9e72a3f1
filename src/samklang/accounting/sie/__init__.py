"""SIE 4, the Swedish exchange format of ledgers: vouchers out, files of others in. Bytes only, no I/O."""

from samklang.accounting.sie.checksum import checksum
from samklang.accounting.sie.read import SieFile, SieLine, SieVoucher, read_sie
from samklang.accounting.sie.write import write_sie

__all__ = ["SieFile", "SieLine", "SieVoucher", "checksum", "read_sie", "write_sie"]
