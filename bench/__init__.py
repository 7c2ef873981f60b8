"""What prints every figure of docs/RESULTS.md again, one command each."""
