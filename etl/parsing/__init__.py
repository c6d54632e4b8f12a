"""Raw text to values, with the reason kept whenever there is no value. Pure."""
