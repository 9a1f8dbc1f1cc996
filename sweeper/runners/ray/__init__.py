"""What the Ray Tune runner is made of: the cluster, its slots, its workers, and who watches them."""
