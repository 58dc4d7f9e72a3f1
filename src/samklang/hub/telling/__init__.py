"""Other programs are told: who has subscribed to events, and their delivery."""
