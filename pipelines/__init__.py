"""The pipelines of the platform: feature, training, inference and monitoring, joined only by stored artifacts."""
