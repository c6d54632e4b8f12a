"""The landing store: every byte that arrives, under its SHA-256, before anything reads it."""
