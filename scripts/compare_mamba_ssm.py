#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times icl's operators beside mamba-ssm's and causal-conv1d's in one process (gpu_check.sh).

    python3 scripts/compare_mamba_ssm.py build/lib/libicl_ops.so

Each prints as: what, sizes, ours in us, theirs in us, the ratio. How near ours are to what the GPU
allows is told by icl-bench ops.
"""
import argparse
import sys

import torch

WARM_UP, REPEATS = 5, 30


def microseconds(call):
    for _ in range(WARM_UP):
        call()
    times = []
    for _ in range(REPEATS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        # The GPU waits a millisecond, in which Python gets ahead of it: what is timed is the GPU.
        torch.cuda._sleep(2_000_000)
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3)
    return sorted(times)[REPEATS // 2]


def scan(batch, length, width, states):
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    cuda = dict(device="cuda")
    u, delta, z = (torch.randn(batch, length, width, **cuda) for _ in range(3))
    rate = -torch.rand(width, states, **cuda)
    key, query = (torch.randn(batch, length, states, **cuda) for _ in range(2))
    skip, bias = (torch.randn(width, **cuda) for _ in range(2))
    ours_in = [t.requires_grad_() for t in (u, delta, rate, key, query, skip, z, bias)]
    theirs_in = [
        (t if t.dim() < 3 else t.transpose(1, 2)).detach().clone().contiguous().requires_grad_()
        for t in ours_in
    ]

    def ours():
        return torch.ops.icl.selective_scan(*ours_in, True, None)[0]

    def theirs():
        a = theirs_in
        return selective_scan_fn(*a, delta_softplus=True)

    with torch.no_grad():
        difference = (ours() - theirs().transpose(1, 2)).norm() / ours().norm()
        forward = microseconds(ours), microseconds(theirs)
    ys = ours(), theirs()
    backward = [
        microseconds(lambda y=y, a=a: torch.autograd.grad(y, a, y.detach(), retain_graph=True))
        for y, a in zip(ys, (ours_in, theirs_in))
    ]
    sizes = f"B={batch} L={length} I={width} N={states}"
    for kind, (mine, other) in (("forward", forward), ("backward", backward)):
        print(f"scan {kind:9} {sizes:28} {mine:10.1f} {other:10.1f} {other / mine:7.2f}x "
              f"results differ by {difference:.1e}")


def conv(batch, length, width):
    from causal_conv1d import causal_conv1d_fn

    x = torch.randn(batch, length, width, device="cuda")
    weight, bias = torch.randn(width, 4, device="cuda"), torch.randn(width, device="cuda")
    turned = x.transpose(1, 2).contiguous()
    mine = microseconds(lambda: torch.ops.icl.causal_conv1d(x, weight, bias, True, None))
    other = microseconds(lambda: causal_conv1d_fn(turned, weight, bias, activation="silu"))
    print(f"conv forward   B={batch} L={length} I={width} {mine:10.1f} {other:10.1f} "
          f"{other / mine:7.2f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU: nothing was compared")
        return 0
    torch.ops.load_library(arguments.library)
    print(f"{'what':14} {'sizes':28} {'ours us':>10} {'theirs us':>10}   ratio")
    for batch, length in ((64, 82), (64, 202), (1, 10000), (64, 10000)):
        scan(batch, length, 512, 16)
    try:
        for length in (82, 202):
            conv(64, length, 512)
    except ImportError as error:
        print(f"causal-conv1d: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
