#!/usr/bin/env python3
"""Runs `googlenet bench` and the peers in turn and tells how they compare.

Every run is a process of its own, alone on the machine, pinned to the same processors. The order
turns around from round to round (A B C, C B A, ...). A ratio is taken within a round, so that the
drift of a shared machine cancels; the table shows its median and quartiles. The machine's peak of
fused multiply-adds is measured before every round: a series in which it moved by more than 5% is
marked. Results go to results-<cpu>.json, one entry for each configuration, and are shown in
results-<cpu>.md.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = {
    "keras": ["keras_train.py"],
    "keras-eigen": ["keras_train.py", "--onednn", "0"],
    "keras-xla": ["keras_train.py", "--xla"],
    "torch": ["torch_train.py"],
    "torch-nchw": ["torch_train.py", "--layout", "nchw"],
    "torch-compile": ["torch_train.py", "--compile"],
}
OURS = "googlenet"
ALLOCATORS = ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4", "libjemalloc.so.2")
DRIFT = 0.05


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--program", default=str(ROOT / "build" / "googlenet"))
    p.add_argument("--python", default=sys.executable, help="of the peers' environment")
    p.add_argument("--peers", default="keras,torch,torch-nchw", help=", ".join(PEERS))
    p.add_argument("--forward", action="store_true", help="forward pass only, no training step")
    p.add_argument("--size", type=int, default=96)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--steps", type=int, default=5, help="timed steps of a peer in one process")
    p.add_argument("--rounds", type=int, default=11)
    p.add_argument("--wait-policy", choices=("passive", "active", "default"), default="passive")
    p.add_argument("--results", default=str(HERE), help="folder of the result files")
    p.add_argument("--no-store", action="store_true", help="print the table, write no file")
    args = p.parse_args()
    unknown = set(args.peers.split(",")) - set(PEERS)
    if unknown:
        p.error(f"unknown peer {sorted(unknown)[0]}; known: {', '.join(PEERS)}")
    if min(args.size, args.batch, args.threads, args.steps, args.rounds) < 1:
        p.error("--size, --batch, --threads, --steps and --rounds are 1 or more")
    if not os.access(args.program, os.X_OK):
        p.error(f"{args.program} is not there: run `make build` first, or give --program")
    return args


def find_allocator():
    """Path of an allocator that keeps memory between steps, or None."""
    listed = subprocess.run(
        ["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False
    ).stdout
    for name in ALLOCATORS:
        found = re.search(rf"^\s*{re.escape(name)} .*=> (\S+)$", listed, re.MULTILINE)
        if found:
            return found.group(1)
    return None


def environments(args, allocator):
    """(ours, the peers'): equal but for the allocator, which only the peers need.

    Threads are held by the process's affinity alone: OMP_PROC_BIND would tie PyTorch's backward
    thread and its team to one processor.
    """
    ours = dict(os.environ)
    ours["OMP_NUM_THREADS"] = str(args.threads)
    if args.wait_policy != "default":
        ours["OMP_WAIT_POLICY"] = args.wait_policy
    peers = dict(ours)
    if allocator:
        peers["LD_PRELOAD"] = allocator
    else:  # glibc's own: no mapping of large blocks, no return of memory to the system
        peers["MALLOC_MMAP_MAX_"] = "0"
        peers["MALLOC_TRIM_THRESHOLD_"] = str(16 << 30)
    return ours, peers


def pinned(threads):
    """The first `threads` processors that this process may use."""
    return set(sorted(os.sched_getaffinity(0))[:threads])


def execute(command, environment, cpus):
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-2000:])
        raise SystemExit(f"bench-peers: exit code {done.returncode} from {shlex.join(command)}")
    return done.stdout


def report_of(command, environment, cpus):
    """The JSON object on the last line that begins with a brace."""
    text = execute(command, environment, cpus)
    return json.loads(text[text.index("{") :])


def write_idx(folder, count):
    """A training set of `count` random 28x28 images: the first step must read and resize it too."""
    for part in ("train", "t10k"):
        images = struct.pack(">4I", 0x803, count, 28, 28) + os.urandom(count * 28 * 28)
        labels = struct.pack(">2I", 0x801, count) + bytes(k % 10 for k in range(count))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def our_first_step(args, environment, cpus):
    """Seconds of a whole `train` process of one step: reading, resizing and saving included."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_idx(folder, max(args.batch, 10))
        command = [args.program, "train", "--data", name, "--out", str(folder / "run")]
        command += ["--size", str(args.size), "--batch", str(args.batch), "--limit-val", "0"]
        command += ["--threads", str(args.threads), "--max-steps", "1"]
        begin = time.perf_counter()
        execute(command, environment, cpus)
        return round(time.perf_counter() - begin, 2)


def build_peak(folder):
    """Compiles the probe; without a compiler there are no peak figures."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        return None
    program = pathlib.Path(folder) / "peak"
    command = [compiler, "-std=gnu11", "-O2", "-march=native", str(HERE / "peak.c")]
    subprocess.run(command + ["-o", str(program), "-pthread"], check=True)
    return str(program)


def measure(args, allocator):
    """rounds: [{name: report}], peaks: GFLOP/s before each round and at the end."""
    ours, theirs = environments(args, allocator)
    cpus = pinned(args.threads)
    common = ["--size", str(args.size), "--batch", str(args.batch)]
    common += ["--threads", str(args.threads), "--json"]
    runs = {OURS: ([args.program, "bench"] + ([] if args.forward else ["--train"]) + common, ours)}
    for peer in args.peers.split(","):
        script, *options = PEERS[peer]
        command = [args.python, str(HERE / script)] + options + common
        command += ["--steps", str(args.steps)] + (["--forward"] if args.forward else [])
        runs[peer] = (command, theirs)
    rounds, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        probe = build_peak(folder)

        def note_peak():
            if probe:
                peaks.append(float(execute([probe, str(args.threads)], ours, cpus)))

        for number in range(args.rounds):
            note_peak()
            order = list(runs) if number % 2 == 0 else list(reversed(runs))
            reports = {}
            for name in order:
                reports[name] = report_of(*runs[name], cpus)
                if name == OURS and not args.forward:
                    reports[name]["first_step_seconds"] = our_first_step(args, ours, cpus)
            rounds.append(reports)
            line = ", ".join(f"{n} {reports[n]['ms_median']:.1f} ms" for n in runs)
            print(f"round {number + 1} of {args.rounds}: {line}", file=sys.stderr, flush=True)
        note_peak()
    return rounds, peaks, {name: shlex.join(command) for name, (command, _) in runs.items()}


def quartiles(values):
    if len(values) < 3:
        return min(values), statistics.median(values), max(values)
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def summarise(rounds):
    """name -> medians over the rounds and quartiles of the ratio peer / ours within a round."""
    out = {}
    for name in rounds[0]:
        reports = [r[name] for r in rounds]
        entry = {
            key: statistics.median(r[key] for r in reports)
            for key in ("ms_median", "images_per_second", "peak_rss_bytes")
        }
        entry["ms_min"] = min(r["ms_min"] for r in reports)
        firsts = [r["first_step_seconds"] for r in reports if "first_step_seconds" in r]
        entry["first_step_seconds"] = statistics.median(firsts) if firsts else None
        pairs = [r[name]["ms_median"] / r[OURS]["ms_median"] for r in rounds]
        entry["ratio_quartiles"] = [round(q, 3) for q in quartiles(pairs)]
        last = reports[-1]
        entry["version"] = last.get("version", last.get("isa", ""))
        entry["setting"] = last.get("setting", "")
        out[name] = entry
    return out


def cpu_name():
    """(name for people, name for files), with family and model where Linux shows them."""
    fields = {}
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f", family {fields['cpu family']}, model {fields['model']}"
    short = re.sub(r"\((r|tm)\)|family|model|cpu|processor", "", name.lower())
    return name, re.sub(r"[^a-z0-9]+", "-", short).strip("-")


def table(entry):
    """Markdown of one configuration."""
    config, machine = entry["config"], entry["machine"]
    what = "training step" if config["mode"] == "train" else "forward pass"
    lines = [
        f"## {what}, {config['size']}x{config['size']}, batch {config['batch']}, "
        f"{config['threads']} threads",
        "",
        f"{machine['cpu']}; {entry['date']}; {config['rounds']} interleaved rounds; commit "
        f"{entry['commit']}. Peers: allocator {machine['allocator']}, OMP_WAIT_POLICY "
        f"{machine['wait_policy']}, denormals flushed. {machine_state(entry)}",
        "",
        "| program | setting | ms (median) | images/s | ratio to ours, median (quartiles) | "
        "peak memory MB | memory ratio | first step after s |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    ours = entry["summary"][OURS]
    for name, s in entry["summary"].items():
        low, middle, high = s["ratio_quartiles"]
        ratio = "1" if name == OURS else f"{middle:.2f} ({low:.2f} to {high:.2f})"
        setting = ", ".join(part for part in (s["version"], s["setting"]) if part)
        first = s["first_step_seconds"]
        lines.append(
            f"| {name} | {setting} | {s['ms_median']:.1f} | {s['images_per_second']:.1f} | "
            f"{ratio} | {s['peak_rss_bytes'] / 1e6:.0f} | "
            f"{s['peak_rss_bytes'] / ours['peak_rss_bytes']:.2f} | "
            f"{'' if first is None else f'{first:.2f}'} |"
        )
    return "\n".join(lines) + "\n"


def machine_state(entry):
    peaks = entry["peaks_gflops"]
    load = f"Load average before: {entry['machine']['load']:.2f}."
    if not peaks:
        return load
    moved = max(peaks) / min(peaks) - 1
    note = " (more than 5%: repeat on a quieter machine)" if moved > DRIFT else ""
    return f"Multiply-add peak {min(peaks):.0f} to {max(peaks):.0f} GFLOP/s{note}. {load}"


def git_commit():
    done = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
        capture_output=True, text=True, check=False,
    )
    return done.stdout.strip() or "unknown"


INTRODUCTION = """# Ours beside its peers on {cpu}

Written by `make bench-peers` (`bench/peers/run.py`); every measured run stands in the JSON file
beside this one. A ratio above 1 means that ours is faster or smaller. The first step of ours is a
whole `train` process of one step (reading, resizing and saving included); that of a peer ends with
the first step on a batch in memory.
"""


def store(args, cpu, slug, key, entry):
    path = pathlib.Path(args.results) / f"results-{slug}.json"
    entries = json.loads(path.read_text()) if path.exists() else {}
    entries[key] = entry
    path.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")
    parts = [INTRODUCTION.format(cpu=cpu)] + [table(entries[k]) for k in sorted(entries)]
    path.with_suffix(".md").write_text("\n".join(parts))
    print(f"written to {path} and {path.with_suffix('.md')}", file=sys.stderr)


def main():
    args = parse_arguments()
    load = os.getloadavg()[0]
    if load > 0.3:
        print(f"bench-peers: the load average is {load:.2f}, the machine is not idle",
              file=sys.stderr)
    allocator = find_allocator()
    rounds, peaks, commands = measure(args, allocator)
    cpu, slug = cpu_name()
    mode = "forward" if args.forward else "train"
    entry = {
        "config": {
            "mode": mode, "size": args.size, "batch": args.batch, "threads": args.threads,
            "rounds": args.rounds, "steps": args.steps,
        },
        "machine": {
            "cpu": cpu,
            "kernel": platform.release(),
            "allocator": os.path.basename(allocator) if allocator else "glibc, no mmap, no trim",
            "wait_policy": args.wait_policy,
            "load": load,
        },
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "commit": git_commit(),
        "commands": commands,
        "peaks_gflops": peaks,
        "summary": summarise(rounds),
        "rounds": rounds,
    }
    print(table(entry))
    if not args.no_store:
        store(args, cpu, slug, f"{mode}-{args.size}-{args.batch}-t{args.threads}", entry)


if __name__ == "__main__":
    main()
