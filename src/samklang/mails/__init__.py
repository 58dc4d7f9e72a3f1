"""Mails to the people of a tenant: what blocks orders at once, and a report each morning of what is not well.

choices.py  who wants which, and the address that ends them        models.py  the tables
letters.py  what stands in them                                    post.py    making, keeping and sending them
"""
