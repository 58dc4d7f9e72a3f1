"""From orders, statements and bank files to balanced vouchers. Pure: records and bytes in, vouchers and problems out.

A sale puts what the buyer paid on the provider's clearing account (model A, `daybook`) or on an invoice (model B). The
provider's statement takes it off again, line by line, and says where it went: bank, fees, disputes, reserves
(`settlement`). What is left on the account is what the provider owes; if it is not, a row is missing or wrong.

`company`, `chart` and profiles/*.toml say which accounts and taxes: no number stands in code. `matching` and `payouts`
find which rows belong together, exactly or not at all. `voucher` cannot be built unbalanced, and each of its lines
names its rows. `problems` are what a person must decide. `books` is the whole way in one call, `sie` the way out,
`control` and `lists` prove it. The rules are those of docs/accounting.md.
"""
