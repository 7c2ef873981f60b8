"""The twin on Kubernetes: what is published, which version serves, and the commands a person types."""
