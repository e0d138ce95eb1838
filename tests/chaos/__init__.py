"""The proof: each goal is a command that does the harm, counts, and prints its figure."""
