"""Model weights: which files a model is made of, where they come from, and whether they are whole."""
