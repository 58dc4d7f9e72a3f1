"""What people look at, as plain values: queries of one tenant, no HTML. The console and the API ask the same functions.

Every list is read by keyset (a page says where the next one begins), counts end at `MANY`, and the number of queries
does not grow with the rows.
"""
