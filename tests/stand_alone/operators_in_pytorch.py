# SPDX-License-Identifier: Apache-2.0
"""The operators in a PyTorch program: opcheck, torch.compile, torch.func, and what errors say.

    operators_in_pytorch.py LIBRARY [--inductor]

Exits with 77 (skipped) where there is no torch 2.11. --inductor compiles with PyTorch's default
compiler, too, which takes minutes; without it the tracing and planning parts alone are used.
"""
import sys

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)
if not torch.__version__.startswith("2.11."):
    print(f"skipped: this Python's torch is {torch.__version__}, and the operators are built for 2.11")
    sys.exit(77)

library = sys.argv[1]
torch.ops.load_library(library)
ops = torch.ops.icl
torch.manual_seed(1)


def leaf(*shape, dtype=torch.float32, scale=1.0):
    return (torch.randn(*shape, dtype=dtype) * scale).requires_grad_()


def positive(*shape):
    return torch.rand(*shape).add_(0.1).requires_grad_()


def negative(*shape):
    return torch.rand(*shape).neg_().sub_(0.1).requires_grad_()


# Name -> lists of arguments. The first of a name has every argument.
B, L, I, N = 2, 11, 6, 3
CASES = {
    "selective_scan": [
        (leaf(B, L, I), leaf(B, L, I), negative(I, N), leaf(B, L, N), leaf(B, L, N), leaf(I), leaf(B, L, I),
         leaf(I), True, leaf(B, I, N)),
        (leaf(B, L, I), positive(B, L, I), negative(I, N), leaf(B, L, N), leaf(B, L, N)),
    ],
    "causal_conv1d": [
        (leaf(B, L, I), leaf(I, 4), leaf(I), True, leaf(B, 3, I)),
        (leaf(B, L, I), leaf(I, 4)),
    ],
    "add_rms_norm": [
        (leaf(B, L, I), leaf(B, L, I), leaf(I), 1e-5),
        (leaf(B, L, I), None, leaf(I), 1e-5),
    ],
    "wkv": [
        (negative(I), leaf(I), leaf(B, L, I), leaf(B, L, I), positive(B, 3, I)),
        (negative(I), leaf(I), leaf(B, L, I), leaf(B, L, I)),
    ],
    "s4d_kernel": [(leaf(I), leaf(I, 4), leaf(I, 4), leaf(I, 4, 2), 13)],
    "long_conv": [(leaf(B, L, I), leaf(I, L), leaf(I)), (leaf(B, L, I), leaf(I, L))],
    "delta_rule": [
        (leaf(B, L, 1, 4), leaf(B, L, 1, 4), leaf(B, L, 3, 5), negative(B, L, 3, 4), leaf(B, L, 3, 4, scale=0.3),
         leaf(B, L, 3, 4, scale=0.3), 0.5, leaf(B, 3, 4, 5)),
        (leaf(B, L, 3, 4), leaf(B, L, 3, 4), leaf(B, L, 3, 5), negative(B, L, 3)),
    ],
}
FAILURES = []


def report(what, problem=None):
    print(f"{'ok  ' if problem is None else 'FAIL'} {what}" + (f": {problem}" if problem else ""), flush=True)
    if problem is not None:
        FAILURES.append(what)


def attempt(what, work):
    try:
        report(what, work())
    except Exception as error:  # noqa: BLE001: every failure is listed
        report(what, f"{type(error).__name__}: {str(error)[:2000]}")


def total(results):
    results = results if isinstance(results, (tuple, list)) else (results,)
    return sum((r * torch.linspace(0.5, 1.5, r.numel()).view(r.shape)).sum() for r in results)


def tensors(arguments):
    return [a for a in arguments if isinstance(a, torch.Tensor)]


def gradients(function, arguments):
    return torch.autograd.grad(total(function(*arguments)), tensors(arguments))


def close(found, expected, bound=1e-4):
    for i, (f, e) in enumerate(zip(found, expected, strict=True)):
        error = (f - e).norm() / e.norm().clamp_min(1e-20)
        if not error <= bound:
            return f"result {i} is off by {error:.2e}"
    return None


def check_opcheck(name, arguments):
    torch.library.opcheck(getattr(ops, name).default, arguments)


def check_halves(name, arguments):
    """x_forward and x_backward by themselves."""
    schema = getattr(ops, name).default._schema
    full = list(arguments) + [a.default_value for a in schema.arguments[len(arguments):]]
    plain = [a.detach() if isinstance(a, torch.Tensor) else a for a in full]
    results = getattr(ops, name)(*plain)
    results = results if isinstance(results, tuple) else (results,)
    saved = None
    # What the operator leaves for its backward pass has places that the CPU does not write: its
    # shape is planned, its values are not compared.
    if hasattr(ops, name + "_forward"):
        forward = getattr(ops, name + "_forward").default
        torch.library.opcheck(forward, (*plain, False))
        torch.library.opcheck(forward, (*plain, True), test_utils=("test_schema", "test_faketensor"))
        saved = forward(*plain, True)[-1]
    backward = getattr(ops, name + "_backward").default
    by_name = {a.name: value for a, value in zip(schema.arguments, plain, strict=True)}
    inputs = []
    for argument in backward._schema.arguments:
        if argument.name == "saved":
            inputs.append(saved)
        elif argument.name in by_name:
            inputs.append(by_name[argument.name])
        else:
            names = [r.name for r in schema.returns]
            index = names.index(argument.name.removeprefix("out_").removeprefix("d")
                                if not argument.name.startswith("out_") else argument.name[4:])
            inputs.append(results[index] if argument.name.startswith("out_") else torch.ones_like(results[index]))
    torch.library.opcheck(backward, tuple(inputs))


def check_compile(name, arguments, backend):
    op = getattr(ops, name)
    compiled = torch.compile(lambda *a: op(*a), fullgraph=True, backend=backend)
    return close(gradients(compiled, arguments), gradients(op, arguments), 1e-6)


def check_dynamic_lengths(backend):
    """A compilation serves every length."""
    traces = []

    def counting(graph, inputs):
        traces.append(graph)
        return graph

    torch._dynamo.reset()
    compiled = torch.compile(lambda *a: ops.delta_rule(*a)[0], fullgraph=True, backend=counting, dynamic=True)
    for length in (5, 9, 14, 20):
        q, v = torch.randn(2, length, 1, 4), torch.randn(2, length, 3, 5)
        decay = -torch.rand(2, length, 3)
        problem = close([compiled(q, q, v, decay)], [ops.delta_rule(q, q, v, decay)[0]], 1e-6)
        if problem:
            return problem
    # PyTorch traces a first time for the sizes at hand where a size of 1 is among them.
    return None if len(traces) <= 2 else f"{len(traces)} traces for 4 lengths"


def check_func(name, arguments):
    op, reference = getattr(ops, name), getattr(ops, name + "_reference")
    places = tuple(i for i, a in enumerate(arguments) if isinstance(a, torch.Tensor))
    plain = tuple(a.detach() if isinstance(a, torch.Tensor) else a for a in arguments)
    found = torch.func.grad(lambda *a: total(op(*a)), argnums=places)(*plain)
    expected = torch.func.grad(lambda *a: total(reference(*a)), argnums=places)(*plain)
    problem = close(found, expected) or close(found, gradients(op, arguments))
    if problem:
        return "torch.func.grad: " + problem
    dims = tuple(0 if i == places[0] else None for i in range(len(plain)))
    many = (torch.stack([plain[places[0]]] * 3), *plain[1:])
    found = torch.vmap(lambda *a: total(op(*a)), in_dims=dims)(*many)
    problem = close([found], [total(op(*plain)).expand(3)])
    if problem:
        return "torch.vmap: " + problem
    tangents = tuple(torch.ones_like(plain[i]) for i in places)

    def of_tensors(*values):
        given = list(plain)
        for i, value in zip(places, values, strict=True):
            given[i] = value
        return total(op(*given))

    _, slope = torch.func.jvp(of_tensors, tuple(plain[i] for i in places), tangents)
    problem = close([slope], [sum(g.sum() for g in expected)], 1e-3)
    return "torch.func.jvp: " + problem if problem else None


def check_second_derivative(name, arguments):
    first = torch.autograd.grad(total(getattr(ops, name)(*arguments)), tensors(arguments)[0], create_graph=True)[0]
    try:
        first.sum().backward()
    except Exception as error:  # noqa: BLE001: what it says is what is checked
        words = f"torch.ops.icl.{name}_reference"
        return None if words in str(error) else f"does not name {words}: {error}"
    return "a second derivative was given"


def check_bfloat16(name, arguments):
    short = [a.detach().bfloat16() if isinstance(a, torch.Tensor) else a for a in arguments]
    try:
        getattr(ops, name)(*short)
    except Exception as error:  # noqa: BLE001: what it says is what is checked
        words = ["bfloat16", "float32"]
        missing = [w for w in words if w not in str(error)]
        return f"does not say {missing}: {error}" if missing else None
    return "bfloat16 was accepted on the CPU"


for name, cases in CASES.items():
    for number, arguments in enumerate(cases):
        label = name if number == 0 else f"{name} (fewer arguments)"
        attempt(f"{label}: opcheck", lambda: check_opcheck(name, arguments))
        attempt(f"{label}: opcheck of its halves", lambda: check_halves(name, arguments))
        torch._dynamo.reset()
        attempt(f"{label}: torch.compile(fullgraph=True) with gradients",
                lambda: check_compile(name, arguments, "aot_eager"))
        if "--inductor" in sys.argv:
            torch._dynamo.reset()
            attempt(f"{label}: torch.compile by inductor", lambda: check_compile(name, arguments, "inductor"))
        attempt(f"{label}: torch.func", lambda: check_func(name, arguments))
    attempt(f"{name}: opcheck of the reference",
            lambda: check_opcheck(name + "_reference", cases[0]))
    attempt(f"{name}: second derivative", lambda: check_second_derivative(name, cases[0]))
    attempt(f"{name}: bfloat16 on the CPU", lambda: check_bfloat16(name, cases[0]))
attempt("delta_rule: a trace serves every length", lambda: check_dynamic_lengths("eager"))
print(f"{len(FAILURES)} failures")
sys.exit(1 if FAILURES else 0)
