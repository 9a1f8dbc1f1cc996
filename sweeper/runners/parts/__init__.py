"""What the runners share; registers none."""
