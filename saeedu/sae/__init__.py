"""Sparse autoencoders in PyTorch."""

from saeedu.sae.base import SAE, LossTerms
from saeedu.sae.files import SAEFileError, load_sae, save_sae
from saeedu.sae.relu import ReLUSAE
from saeedu.sae.top_k import TopKSAE

__all__ = ["SAE", "LossTerms", "ReLUSAE", "SAEFileError", "TopKSAE", "load_sae", "save_sae"]
