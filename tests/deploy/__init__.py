"""What deploy/ ships works: files parse, agree with each other, and every command in them runs with its arguments."""
