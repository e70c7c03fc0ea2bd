"""Sparse autoencoders in PyTorch."""

from saeedu.sae.base import SAE, LossTerms
from saeedu.sae.batch_top_k import BatchTopKSAE
from saeedu.sae.build import build_sae, encoder_only
from saeedu.sae.files import SAEFileError, load_sae, save_sae
from saeedu.sae.gated import GatedSAE
from saeedu.sae.jump_relu import JumpReLUSAE, TanhJumpReLUSAE
from saeedu.sae.matryoshka import MatryoshkaSAE
from saeedu.sae.relu import ReLUSAE, UnitRowReLUSAE
from saeedu.sae.top_k import TopKSAE

__all__ = [
    "SAE",
    "BatchTopKSAE",
    "GatedSAE",
    "JumpReLUSAE",
    "LossTerms",
    "MatryoshkaSAE",
    "ReLUSAE",
    "SAEFileError",
    "TanhJumpReLUSAE",
    "TopKSAE",
    "UnitRowReLUSAE",
    "build_sae",
    "encoder_only",
    "load_sae",
    "save_sae",
]
