"""Speed, as ratios measured side by side in one run: ours against hand-written PyTorch of identical mathematics."""
