"""From orders, captures and payouts to balanced vouchers. Pure: records in, vouchers out."""
