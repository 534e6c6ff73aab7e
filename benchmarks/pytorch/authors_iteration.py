#!/usr/bin/env python3
"""The authors' algorithm (arXiv 2506.10920), written down densely in PyTorch, to be timed.

    Z <- C (G + 1e-6 I)^-1 with C = A Y', G = Y Y'; keep the s largest magnitudes of each column of Z;
    scale Y's rows to unit length, and Z's columns by their norms;
    Y <- Y * sqrt((P+ + Q- Y) / (P- + Q+ Y + 1e-6)) with P = Z'A, Q = Z'Z;
    loss |A - ZY|^2; the best iterate is kept.

Activations come from a .npy file, float32 [neurons, tokens] in C order, or are made here. Needs
PyTorch alone. Prints one JSON object as its last line: seconds of the iterations, the start and the
copy to the device not counted, and the best loss relative to |A|^2.

    python3 authors_iteration.py --shape 14336x100000 --rank 400 --device cuda
"""

import argparse
import ast
import json
import math
import mmap
import struct
import time

import torch


def read_npy(path):
    with open(path, "rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise SystemExit(f"{path} is no .npy file")
        version = file.read(2)[0]
        size = struct.unpack("<H", file.read(2))[0] if version == 1 else struct.unpack("<I", file.read(4))[0]
        header = ast.literal_eval(file.read(size).decode("latin-1"))
        offset = file.tell()
        if header["descr"] != "<f4" or header["fortran_order"]:
            raise SystemExit(f"{path} must hold float32 in C order, not {header}")
        # Copy on write: PyTorch wants memory that it might write to.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return torch.frombuffer(mapped, dtype=torch.float32, offset=offset).reshape(header["shape"])


def make(neurons, tokens, rank, device, generator):
    """Like an MLP's activations: GELU of sparse features' sum and noise."""
    planted = 3 * rank
    weights = 0.22 * torch.randn(neurons, planted, generator=generator, device=device)
    firing = (0.5 * torch.arange(1, planted + 1, device=device) ** -0.7).clamp(0.004, 0.5)
    scale = torch.exp(0.4 * torch.randn(neurons, 1, generator=generator, device=device))
    bias = -0.9 + 0.3 * torch.randn(neurons, 1, generator=generator, device=device)
    a = torch.empty(neurons, tokens, device=device)
    for start in range(0, tokens, 8192):
        width = min(8192, tokens - start)
        fires = torch.rand(planted, width, generator=generator, device=device) < firing[:, None]
        strength = torch.exp(0.5 * torch.randn(planted, width, generator=generator, device=device))
        noise = 0.5 * torch.randn(neurons, width, generator=generator, device=device)
        part = scale * (weights @ (fires * strength) + noise) + bias
        a[:, start : start + width] = torch.nn.functional.gelu(part, approximate="tanh")
    return a


def solve(a, y, ridge=1e-6):
    gram = y @ y.T + ridge * torch.eye(y.shape[0], device=a.device)
    return torch.linalg.solve(gram, y @ a.T).T


def winner_take_all(z, keep):
    magnitudes = z.abs()
    least = magnitudes.topk(keep, dim=0).values[-1]
    return torch.where(magnitudes >= least, z, torch.zeros_like(z))


def update(a, z, y, epsilon=1e-6):
    p = z.T @ a
    q = z.T @ z
    above = p.clamp(min=0) + (-q).clamp(min=0) @ y
    below = (-p).clamp(min=0) + q.clamp(min=0) @ y + epsilon
    return y * torch.sqrt(above / below)


def fit(a, y, keep, iterations):
    best, best_z, best_y = float("inf"), None, None
    for _ in range(iterations):
        z = winner_take_all(solve(a, y), keep)
        norms = y.norm(dim=1).clamp(min=1e-12)
        y = y / norms[:, None]
        z = z * norms
        y = update(a, z, y)
        loss = (a - z @ y).square().sum().item()
        if loss < best:
            best, best_z, best_y = loss, z.clone(), y.clone()
    return best, best_z, best_y


def finish(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--activations", metavar="A.npy", help="float32 [neurons, tokens]")
    parser.add_argument("--shape", metavar="DxN", default="14336x100000", help="of activations made here")
    parser.add_argument("--rank", type=int, default=400)
    parser.add_argument("--density", type=float, default=0.01)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", choices=["fp32", "tf32"], default="fp32")
    options = parser.parse_args()

    torch.backends.cuda.matmul.allow_tf32 = options.precision == "tf32"
    device = torch.device(options.device)
    generator = torch.Generator(device).manual_seed(options.seed)
    if options.activations:
        a = read_npy(options.activations).to(device)
    else:
        neurons, tokens = map(int, options.shape.split("x"))
        a = make(neurons, tokens, options.rank, device, generator)
    keep = min(a.shape[0], max(1, math.ceil(options.density * a.shape[0] - 1e-9)))
    with torch.no_grad():
        start = torch.rand(options.rank, a.shape[1], generator=generator, device=device)
        fit(a, start, keep, 2)  # libraries are loaded and tuned on the first calls
        finish(device)
        begin = time.perf_counter()
        loss, _, _ = fit(a, start, keep, options.iterations)
        finish(device)
        seconds = time.perf_counter() - begin
        squares = sum(part.double().square().sum().item() for part in a.split(256))
    print(json.dumps({
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "precision": options.precision,
        "shape": list(a.shape),
        "rank": options.rank,
        "iterations": options.iterations,
        "seconds": seconds,
        "relative_loss": loss / squares,
    }))


if __name__ == "__main__":
    main()
