"""The programs that are compared: their commands, environments, and processes.

A peer is one process that lives through a whole comparison and is stopped (SIGSTOP) while it is not
its turn, so that nothing of it can run beside another program. Ours is a fresh process each turn.
"""

import json
import math
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import machine

HERE = pathlib.Path(__file__).resolve().parent
OURS = "googlenet"

# name: (script and its options, what it can do: t training, f forward, 8 forward in 8 bits)
PEERS = {
    "keras": (["keras_peer.py"], "tf"),
    "keras-xla": (["keras_peer.py", "--xla"], "tf"),
    "torch": (["torch_peer.py"], "tf"),
    "torch-nchw": (["torch_peer.py", "--layout", "nchw"], "tf"),
    "torch-compile": (["torch_peer.py", "--compile"], "tf"),
    "onednn": (["convolutions"], "tf"),
    "onnxruntime": (["onnxruntime_peer.py"], "f8"),
    "openvino": (["openvino_peer.py"], "f"),
    "ncnn": (["ncnn_peer.py"], "f"),
}
USUAL = ("keras", "torch", "onednn", "onnxruntime", "openvino", "ncnn")
ANY_NETWORK = tuple(n for n in PEERS if n.startswith(("keras", "torch", "onnxruntime", "openvino")))
NO_NETWORK = ("onednn",)  # convolutions only: it answers nothing
HELD = ("keras", "keras-xla", "torch", "torch-nchw", "torch-compile", "onednn")

ISA_SETTINGS = {  # what holds a peer (one of HELD) to a kernel set
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
             "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
}


class Failed(Exception):
    pass


def environments(threads, isa, wait_policy):
    """(ours, the peers'). Threads are held by the affinity that the driver's process has:
    OMP_PROC_BIND would tie PyTorch's backward thread and its team to one processor."""
    ours = dict(os.environ, OMP_NUM_THREADS=str(threads))
    if wait_policy != "default":
        ours["OMP_WAIT_POLICY"] = wait_policy
    peers = dict(ours, TF_ENABLE_ONEDNN_OPTS="1", TF_CPP_MIN_LOG_LEVEL="3")
    if isa:
        ours["GOOGLENET_ISA"] = isa
        peers.update(ISA_SETTINGS[isa])
    return ours, peers


def with_allocator(environment):
    """For the peers that take and give back memory in every step."""
    path = machine.allocator()
    if path:
        return dict(environment, LD_PRELOAD=path)
    # glibc's own: no mapping of large blocks, no return of memory to the system
    keep = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(16 << 30)}
    return dict(environment, **keep)


def peer_command(name, python, folder, train, batch, threads):
    script, *options = PEERS[name][0]
    if name == "onednn":
        what = "train" if train else "forward"
        return [str(folder.parent / script), str(folder / "convolutions"), str(batch), what]
    command = [python, str(HERE / script), *options, "--material", str(folder)]
    return command + ["--batch", str(batch), "--threads", str(threads)] + ["--train"] * train


def build_onednn(folder):
    """Compiles the oneDNN program; False where compiler or library is missing."""
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if not compiler:
        return False
    source, program = HERE / "onednn" / "convolutions.cpp", folder / "convolutions"
    command = [compiler, "-std=c++17", "-O2", str(source), "-o", str(program), "-ldnnl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode == 0


class Peer:
    """A peer's process. Its errors go to `log`."""

    def __init__(self, name, command, environment, log):
        self.name, self.log = name, log
        with open(log, "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                command, env=environment, text=True, stderr=errors,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
        self.about = self._reply()["ready"]
        self._pause()

    def _reply(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.process.wait()
        text = pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")
        raise Failed(f"{self.name} ended with code {self.process.returncode}: {text[-600:]}")

    def _pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def measure(self, seconds):
        """Milliseconds of each step."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        times = self._reply()["ms"]
        self._pause()
        return times

    def peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
        return 0

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Ours:
    """`googlenet bench`, run anew for every turn; it warms up with two steps of its own."""

    def __init__(self, program, folder, train, batch, threads, environment, options):
        self.command = [program, "bench", str(folder / "model.safetensors"), "--json"]
        self.command += ["--batch", str(batch), "--threads", str(threads)] + ["--train"] * train + options
        self.environment = environment
        self.ms = self._run(2)["ms_median"]
        self.report = None

    def _run(self, rounds):
        return json.loads(output_of(self.command + ["--rounds", str(rounds)], self.environment))

    def measure(self, seconds):
        """The median step in milliseconds."""
        self.report = self._run(min(1000, max(1, math.ceil(1000 * seconds / self.ms))))
        self.ms = self.report["ms_median"]
        return self.ms


def output_of(command, environment, folder=None):
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failed(f"code {done.returncode} from {' '.join(command)}: {done.stderr[-600:]}")
    return done.stdout


def first_answer(command, environment):
    """(seconds from the start of a process to the first line on its stdout, peak bytes).

    The peak is never below this process's own memory, which Linux counts before exec.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    line = process.stdout.readline()
    seconds = time.perf_counter() - begin
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not line or process.returncode != 0:
        raise Failed(f"no answer (code {process.returncode}) from {' '.join(command)}")
    return seconds, 1024 * usage.ru_maxrss


def own_peak_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def note(text):
    print(f"bench-peers: {text}", file=sys.stderr, flush=True)
