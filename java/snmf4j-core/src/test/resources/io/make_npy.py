"""Wrote the .npy files beside it, with NumPy 2.4.6: python3 make_npy.py"""
import os
import numpy as np
from numpy.lib import format as f
d = os.path.dirname(os.path.abspath(__file__)) + "/"
# shape (3, 4): element [i, j] is 10 i + j + 0.25, integers 10 i + j - 11
i, j = np.ogrid[:3, :4]
real = 10.0 * i + j + 0.25
whole = 10 * i + j - 11
def put(name, a, version=None):
    with open(d + name + ".npy", "wb") as o:
        f.write_array(o, a, version=version)


for t in ("<f4", "<f8", ">f4", ">f8"):
    for order in "CF":
        put({"<": "le", ">": "be"}[t[0]] + "-" + t[1:] + "-" + order, np.array(real, dtype=t, order=order))
for v in (1, 2, 3):
    put("version%d" % v, np.array(real, dtype="<f4"), (v, 0))
for t in ("<i8", "<i4", "<i2", "|i1", ">i8", ">i4"):
    put("int-" + ("be-" if t[0] == ">" else "") + t[1:], np.array(whole, dtype=t))
put("int-i8-F", np.array(whole, dtype="<i8", order="F"))
for t in ("|u1", "<u2", "<u4", "<u8"):
    put("int-" + t[1:], np.array((whole + 11), dtype=t))
put("extreme-u1", np.array([[0, 255]], dtype="|u1"))
put("extreme-u4", np.array([[0, 2**32 - 1]], dtype="<u4"))
put("extreme-i8", np.array([[-2**63, 2**63 - 1]], dtype="<i8"))
put("refused-bool", np.array(whole > 0))
put("refused-f2", np.array(real, dtype="<f2"))
put("refused-complex", np.array(real, dtype="<c8"))
put("refused-text", np.array([["a", "b"]]))
put("refused-time", np.array([["2020-01-01"]], dtype="<M8[D]"))
put("refused-structured", np.zeros((2, 2), dtype=[("a", "<f4"), ("b", "<i4")]))
put("refused-structured-utf8", np.zeros((2, 2), dtype=[("größe€", "<f4")]), (3, 0))
put("refused-object", np.array([[None, {}]], dtype=object))
put("refused-vector", np.arange(5.0))
put("refused-scalar", np.array(1.0))
put("refused-cube", np.zeros((2, 2, 2)))
put("refused-empty", np.zeros((0, 3)))
put("special", np.array([[np.nan, np.inf, -np.inf, -0.0, np.finfo("f4").max, np.finfo("f4").smallest_subnormal]], dtype="<f4"))
