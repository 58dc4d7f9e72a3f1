"""What connectors share. Each module is one idea and can be taken or left on its own.

`system` puts a connector together from tables of feeds, writes and searches. `shape` derives what to ask for from the
structs that the answer is decoded into. `paging` and `rows` read lists; `writing` and `finding` give every record of a
batch a result of its own. `login`, `hooks` and `graphql` are what several systems do alike on the wire.
"""
