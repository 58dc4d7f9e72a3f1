"""Schedules and lanes. `port` is what the rest may use; `work` what a job does; `embedded` runs jobs in threads."""
