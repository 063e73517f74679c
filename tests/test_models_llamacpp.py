"""SmolLM2 beside llama.cpp, which runs the same weights: token by token.

llama.cpp rounds activations to 8 bits before weights of few bits, so it is given the weights as float32.
"""

import importlib.util
import json
import urllib.request
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from lmul.models import smollm2 as module
from lmul.models import texts
from lmul.models.network import package_folder

pytestmark = pytest.mark.regress
ODD = ("  two  blanks\n\n\tand a tab 12345 3.14 x²½ IV Ⅳ ٣٤", "don't I'LL we've", "日本語 naïve café — “quoted” 😀👍🏽",
       "<|im_start|>user", "   ", "a\r\nb", "\u00a0e\u0301 x\u200by")


@pytest.fixture(scope="module")
def server(smollm2, tmp_path_factory):
    """llama.cpp with keys and values in float32, too."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp, which brings llama.cpp, is missing: .venv/bin/pip install xllamacpp")
    import gguf
    import xllamacpp

    path = tmp_path_factory.mktemp("llama") / "float32.gguf"
    write_float32(gguf, package_folder("Weights", module.PACKAGE) / module.FILE, path)
    options = xllamacpp.CommonParams()
    options.model.path = str(path)
    options.n_ctx, options.n_parallel, options.n_gpu_layers, options.verbosity = 512, 1, 0, 0
    options.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    options.cache_type_k = options.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    return xllamacpp.Server(options)


def write_float32(gguf, source: Path, path: Path):
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(path, "llama")
    for field in reader.fields.values():
        name, kind = field.name, field.types[0]
        if name in ("general.architecture", "general.file_type", "general.quantization_version") or "." not in name \
                or name.startswith(("GGUF.", "tokenizer.chat_template")):
            continue
        if kind == gguf.GGUFValueType.ARRAY:
            writer.add_array(name, field.contents())
        else:
            writer.add_key_value(name, field.contents(), kind)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_tokens(smollm2, server):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for text in (*ODD, *(text for kind in texts.KINDS for text in islice(texts._texts(kind), 20))):
        body = json.dumps({"content": text, "add_special": False, "parse_special": False}).encode()
        request = urllib.request.Request(f"{server.listening_address}/tokenize", body,
                                         {"Content-Type": "application/json"})
        assert smollm2.tokens(text).tolist() == json.load(opener.open(request))["tokens"], text


@pytest.mark.parametrize("kind", texts.KINDS)
def test_log_probabilities(smollm2, server, kind):
    """Of the 100 most likely tokens after every token of a window."""
    [window] = texts.windows(kind, smollm2, 1)
    logits = smollm2.head(smollm2.hidden(window[None])[0]).astype(np.float64)
    ours = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    largest = 0.0
    for position in range(len(window)):
        answer = server.handle_completions({"prompt": window[:position + 1].tolist(), "max_tokens": 1, "logprobs": 100,
                                            "temperature": 1.0, "cache_prompt": True})
        [token] = answer["choices"][0]["logprobs"]["content"]
        codes, theirs = (np.array([each[name] for each in token["top_logprobs"]]) for name in ("id", "logprob"))
        assert len(codes) == 100 and codes[0] == np.argmax(ours[position])
        largest = max(largest, np.abs(theirs - ours[position, codes]).max())
    print(f"{kind}: log-probabilities differ by {largest:.1e} or less")
    assert largest < 1e-3
