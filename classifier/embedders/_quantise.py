"""An exported model's matrix products in 8 bits, so that its vectors hardly change.

Plain dynamic quantisation turns MiniLM's vectors by cosine 0.994: a few channels of the activations are ten times as
large as the rest and take all the 8 bits. So each channel is divided by its typical largest value, which its row of
the weights is multiplied by (SmoothQuant: Xiao et al. 2023, arXiv 2211.10438), and the weights, which then vary
more, are the sum of two 8-bit matrices, the second holding what the first leaves. That is 0.9995.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

STRENGTH = 0.9  # share of a channel's size that moves into the weights; 0.8 and 1.0 were worse
TINY = 1e-6
TYPICAL = (
    "Thought: I need the population of both towns before I can compare them. Action: web_search[population 2019]",
    (
        "Traceback (most recent call last):\n  File 'main.py', line 12, in <module>\n    sum(row['price'] for row "
        "in rows)\nKeyError: 'price'"
    ),
    "I'm sorry, but I can't find that page. The server answered 404 Not Found. Let me try another address instead.",
    '{"name": "get_order", "arguments": {"order_id": "#W2378156", "with_items": true}, "status": "delivered"}',
    "```python\nimport pandas as pd\n\ndf = pd.read_csv('sales.csv')\nprint(df.groupby('region')['sum'].mean())\n```",
    "exitcode: 1 (execution failed)\nCode output: ModuleNotFoundError: No module named 'openpyxl'",
    (
        "Ledger: is_request_satisfied: false. is_in_loop: true, because the same page was opened three times. "
        "next_speaker: WebSurfer. instruction: scroll down and read the table of opening hours."
    ),
    (
        "You are a helpful assistant for a shop. You may cancel an order only while it is pending. You must ask the "
        "customer to confirm before you change anything. Do not make up rules or facts that are not given here."
    ),
    "Hello! I would like to exchange the blue jacket for a red one, size L. My name is Ana Ruiz, I live in 80 221.",
    "FINAL ANSWER: 42",
    "",
    "| id | name | score |\n|---|---|---|\n| 1 | Ada | 0.91 |\n| 2 | Grace | 0.87 |\n| 3 | Edsger | NaN |",
    "https://example.org/wiki/List_of_bridges?sort=length#notes [12] Retrieved 3 May 2021. See also: tunnels, ferries.",
    "Der Plan hat drei Schritte: suchen, rechnen, antworten. El segundo paso falló. 第三步没有执行。",
    "The integral of x^2 from 0 to 3 is 9; so 9 * 7 = 63, and 63 mod 5 = 3. The answer must be an integer.",
    "Step 1: open the fridge. Nothing happens. Step 2: open the fridge. Nothing happens. " * 12,
)


def quantise(file: Path, typical: Sequence[Sequence[int]]) -> None:
    """Rewrite the ONNX model in `file`; `typical` are the token ids of texts that show the usual size of activations.

    Every product of an activation with a constant matrix becomes onnxruntime's DynamicQuantizeMatMul. The input of
    the model is `input_ids` of shape (1, tokens).
    """
    import onnx  # noqa: PLC0415 - first use only
    from onnx import helper, numpy_helper  # noqa: PLC0415

    model = onnx.load(str(file))
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    products = [n for n in graph.node if n.op_type == "MatMul" and len(_shape(constants.get(n.input[1]))) == 2]
    largest = _largest(model, sorted({n.input[0] for n in products}), typical)
    weights = {n.input[1]: numpy_helper.to_array(constants[n.input[1]]) for n in products}
    readers: dict[str, list[str]] = {}
    for node in products:
        readers.setdefault(node.input[0], []).append(node.input[1])

    def constant(name: str, value: NDArray[Any]) -> str:
        graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    nodes, scales, replaced = [], {}, {node.output[0] for node in products}
    for node in graph.node:
        out = node.output[0]
        if out not in replaced:
            nodes.append(node)
            continue
        source, weight = node.input
        if source not in scales:
            together = np.abs(np.concatenate([weights[name] for name in readers[source]], axis=1)).max(axis=1)
            scales[source] = largest[source] ** STRENGTH / np.maximum(together, TINY) ** (1 - STRENGTH)
            divisor = constant(f"{source}_divisor", (1 / scales[source]).astype(np.float32))
            nodes.append(helper.make_node("Mul", [source, divisor], [f"{source}_even"]))
        values = weights[weight] * scales[source][:, None]
        first, first_scale = _eight_bits(values)
        second, second_scale = _eight_bits(values - first * first_scale)
        inputs = [
            f"{source}_even",
            constant(f"{weight}_int8", np.concatenate([first, second], axis=1)),
            constant(f"{weight}_scale", np.concatenate([first_scale, second_scale])),
        ]
        halves = constant(f"{weight}_halves", np.array([values.shape[1]] * 2))
        nodes += [
            helper.make_node("DynamicQuantizeMatMul", inputs, [f"{out}_both"], domain="com.microsoft"),
            helper.make_node("Split", [f"{out}_both", halves], [f"{out}_first", f"{out}_second"], axis=-1),
            helper.make_node("Add", [f"{out}_first", f"{out}_second"], [out]),
        ]
        graph.initializer.remove(constants[weight])
    del graph.node[:]
    graph.node.extend(nodes)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, str(file))


def _shape(tensor: Any) -> Sequence[int]:
    return () if tensor is None else tensor.dims


def _eight_bits(values: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Split into whole numbers from -127 to 127 and one scale per column."""
    scale = np.maximum(np.abs(values).max(axis=0), 1e-12) / 127
    return np.rint(values / scale).clip(-127, 127).astype(np.int8), scale.astype(np.float32)


def _largest(model: Any, names: list[str], typical: Sequence[Sequence[int]]) -> dict[str, NDArray[np.float32]]:
    """Return the largest absolute value of each channel of the named tensors over the typical texts.

    No channel counts as smaller than the median one: some are not stirred by so few texts, and would drown the
    others where they are (without it the cosine is 0.994).
    """
    import onnx  # noqa: PLC0415
    import onnxruntime  # noqa: PLC0415

    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend([onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in names])
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    largest: dict[str, NDArray[np.float32]] = {}
    for ids in typical:
        values = session.run(names, {"input_ids": np.array([ids[:256]], np.int64)})
        for name, value in zip(names, values, strict=True):
            channels = np.abs(value).reshape(-1, value.shape[-1]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, channels), channels)
    return {name: np.maximum(channels, np.median(channels)) for name, channels in largest.items()}
