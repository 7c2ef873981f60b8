"""The feature store's declarations."""
