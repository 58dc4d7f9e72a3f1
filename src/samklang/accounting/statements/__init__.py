"""Settlement files and reports of payment providers and marketplaces: bytes in, statements out."""
