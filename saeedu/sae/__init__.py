"""Sparse autoencoders in PyTorch."""

from saeedu.sae.base import SAE, LossTerms
from saeedu.sae.files import SAEFileError, load_sae, save_sae
from saeedu.sae.relu import ReLUSAE

__all__ = ["SAE", "LossTerms", "ReLUSAE", "SAEFileError", "load_sae", "save_sae"]
