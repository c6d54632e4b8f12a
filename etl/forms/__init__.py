"""The forms: one YAML declaration each, from which template, reader, observations, views and dictionary derive."""
