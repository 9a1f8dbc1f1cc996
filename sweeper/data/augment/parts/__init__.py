"""What the augmentation policies are made of; a module here registers nothing."""
