"""Settlement files and reports of payment providers and marketplaces: bytes in, statements out.

`reading`  the entry: recognises the format and reads it     `base`   Statement, StatementLine, Profile, Unreadable
`content`  a file's kind, text, JSON, sheets                 `tables` rows by column name, strict numbers and dates
`documents` JSON as rows
One module per family of formats; `marketplace` and `zones` are what several of them share.
"""
