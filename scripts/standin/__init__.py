"""How the bundled stand-in language model is made; `python -m scripts.train_standin` runs it."""
