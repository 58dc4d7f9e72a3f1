"""Other tools doing the same job, each as somebody who knows it well would build it, in an environment of its own."""
