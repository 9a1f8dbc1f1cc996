"""Sweeps over CNN image classifiers that end with the best top-5 accuracy per GPU-hour."""
