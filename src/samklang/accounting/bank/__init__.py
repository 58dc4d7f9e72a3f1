"""Files of banks: bytes in, bank statements out."""
