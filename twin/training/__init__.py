"""Training: the split by time, the examples, and LoRA fine-tuning under DeepSpeed."""
