"""The pure core: formats, trees, proofs, custody rules. No files, clock, randomness or third party."""
