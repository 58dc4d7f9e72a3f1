"""What is set up and planned: the configuration, its edits and drafts, and what a change would do before it is done."""
