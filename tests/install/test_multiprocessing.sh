#!/bin/sh
# Python's multiprocessing over ctypes: the parent predicts, then forked workers do.
# labels: push
# timeout: 180
if ! command -v python3 >/dev/null; then
    echo "skipped: no python3 here"
    exit 77
fi
case ${GN_SANITIZE:-} in *address* | *thread*)
    echo "skipped: a sanitizer's runtime must be the first library of the process"
    exit 77
    ;;
esac
exec python3 - "$GN_BUILD_DIR/libgooglenet.so" <<'PYTHON'
import ctypes
import multiprocessing
import sys

lib = ctypes.CDLL(sys.argv[1])
lib.gn_preset_with.restype = ctypes.c_void_p
lib.gn_bench.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
lib.gn_net_hash.argtypes = [ctypes.c_void_p]
lib.gn_net_hash.restype = ctypes.c_uint32
net = lib.gn_preset_with(None)


def compute(_):
    """Forward passes on all threads; the weights' hash says that they are still the same."""
    result = ctypes.create_string_buffer(4096)
    options = ctypes.create_string_buffer(256)
    ctypes.c_int.from_buffer(options, 4).value = 2  # batch
    ctypes.c_int.from_buffer(options, 8).value = 2  # threads
    ctypes.c_int.from_buffer(options, 12).value = 1  # rounds
    status = lib.gn_bench(net, result, options)
    return status, lib.gn_net_hash(net)


expected = (0, lib.gn_net_hash(net))
assert compute(0) == expected, compute(0)
with multiprocessing.get_context("fork").Pool(3) as pool:
    answers = pool.map_async(compute, range(6)).get(timeout=150)
assert answers == [expected] * 6, answers
print("six calls in three forked workers")
PYTHON
