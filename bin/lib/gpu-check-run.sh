#!/bin/sh
# Tests and measures snmf4j on this host's GPU with nothing but this bundle, an NVIDIA driver for
# CUDA 13 and cuBLAS; ./run --help tells the options. Writes gpu-check.json.
set -eu

home="$(cd "$(dirname "$0")" && pwd)"
# Matrices lie off the heap, whose size is the JVM's default limit for that.
kib="$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
exec "$home/jre/bin/java" "-XX:MaxDirectMemorySize=$((kib / 10 * 8))k" \
  "-Dsnmf4j.gpu-check.home=$home" -cp "$home/lib/*" org.snmf4j.benchmarks.gpu.GpuCheck "$@"
