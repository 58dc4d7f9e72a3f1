"""From payouts to balanced books: feeds `accounting/` with what the hub has read, keeps what comes out, and hands
approved vouchers to delivery.

    orders (hub) ─┐                      ┌─▶ payments, matches, suggestions
    files ────────┼─▶ facts ─▶ run ──────┼─▶ vouchers ─▶ approval ─▶ delivery (hub) ─▶ ledger
    settings ─────┘   (accounting/)      └─▶ problems (hub)

`companies` settings → accounting's company      `files`    statements and bank files in, whole or not at all
`facts`     what the tables hold → Facts         `run`      derive, compare with what stands, write the difference
`vouchers`  approval, hand-over, what became of it          `decisions` what only a person can say
`totals`    sums kept day by day                 `check`    derives them anew at night, and compares
`control`   totals that must agree               `reports`  tables, XLSX, PDF        `ways` folders, fetched files
"""
