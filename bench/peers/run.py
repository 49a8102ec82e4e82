#!/usr/bin/env python3
"""Compares `googlenet` with its peers on this machine, and prints and stores one table.

Every program has its own process; only the one whose turn it is runs, the others are stopped. A
round goes through the peers in twos, `peer, ours, other peer`, and the next round backwards, so that
each peer stands before and after ours equally often. A ratio (peer / ours) is taken between
neighbours; the table shows the median of these ratios and its quartiles. Before anything is timed,
each peer must give our logits for the same weights and images.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import signal
import statistics
import sys
import tempfile
import time

import machine
import prepare
import programs
import tables
from programs import OURS, PEERS, note

ROOT = programs.HERE.parent.parent
PLAIN = "googlenet"
MODES = {  # training, size, batch, network
    "train-96": (True, 96, 128, PLAIN),
    "train-224": (True, 224, 32, PLAIN),
    "train-norm-28": (True, 28, 64, "googlenet-small"),
    "train-norm-96": (True, 96, 128, "googlenet-bn"),
    "infer-96": (False, 96, 128, PLAIN),
    "infer-224": (False, 224, 32, PLAIN),
    "infer-norm-28": (False, 28, 128, "googlenet-small"),
    "latency-96": (False, 96, 1, PLAIN),
    "latency-224": (False, 224, 1, PLAIN),
    "int8-96": (False, 96, 128, PLAIN),
    "int8-latency-96": (False, 96, 1, PLAIN),
}
INT8 = ("int8-96", "int8-latency-96")  # in 8 bits, each with a quantisation of its own
START_SIZE = 96
FEWEST_ROUNDS = 3
DRIFT = 0.05


def names(text, known, usual):
    """The comma- or space-separated names, "all", or the usual ones."""
    if not text:
        return list(usual)
    chosen = list(known) if text == "all" else text.replace(",", " ").split()
    for name in chosen:
        if name not in known:
            raise SystemExit(f"bench-peers: unknown name {name}; known: all, {', '.join(known)}")
    return chosen


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = [*MODES, "start", "memory"]
    p.add_argument("--peers", default="", help=f"usual: {','.join(programs.USUAL)}; or all, or of "
                   f"{', '.join(PEERS)}")
    p.add_argument("--modes", default="", help=f"all (default), or of {', '.join(modes)}")
    p.add_argument("--rounds", type=int, default=11)
    p.add_argument("--seconds", type=float, default=1.0, help="timed work of a turn")
    p.add_argument("--minutes", type=float, help="budget of the whole table: fewer rounds")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--isa", choices=tuple(programs.ISA_SETTINGS), help="hold both sides to it")
    p.add_argument("--weights", choices=("f32", "f16"), default="f32",
                   help="of our forward passes: bits of the packed weights")
    p.add_argument("--wait-policy", choices=("default", "passive", "active"), default="default",
                   help="OMP_WAIT_POLICY of all programs")
    p.add_argument("--program", default=str(ROOT / "build" / "googlenet"))
    p.add_argument("--python", default=sys.executable, help="of the peers' environment")
    p.add_argument("--results", default=str(ROOT / "bench" / "results"), help="folder")
    p.add_argument("--no-store", action="store_true", help="print the table, write no file")
    args = p.parse_args()
    args.peers = names(args.peers, PEERS, programs.USUAL)
    args.modes = names(args.modes, modes, modes)
    if min(args.threads, args.rounds) < 1 or not args.seconds > 0:
        p.error("--threads and --rounds are 1 or more, --seconds is above 0")
    if not os.access(args.program, os.X_OK):
        p.error(f"{args.program} is not there: run `make build` first, or give --program")
    if args.isa:
        for name in [n for n in args.peers if n not in programs.HELD]:
            note(f"{name} has no switch that holds it to {args.isa}: left out")
            args.peers.remove(name)
    return args


class Comparison:
    """What all modes share: folders, environments, the probe."""

    def __init__(self, args, folder):
        self.args, self.folder = args, pathlib.Path(folder)
        self.ours, self.theirs = programs.environments(args.threads, args.isa, args.wait_policy)
        system = json.loads(programs.output_of([args.program, "info", "--json"], self.ours))
        self.isa, self.version = system["isa"], system["version"]
        self.peak = machine.Peak(folder, self.isa, args.threads)
        self.failed = {}
        if "onednn" in args.peers and not programs.build_onednn(self.folder):
            self.failed["onednn"] = "did not build (needs a C++ compiler and libdnnl-dev 2.x)"
            note(f"onednn: {self.failed['onednn']}")
            args.peers.remove("onednn")

    def material(self, size, network=PLAIN):
        folder = self.folder / (str(size) if network == PLAIN else f"{size}-{network}")
        if not folder.exists():
            args = self.args
            prepare.make(folder, size, network, args.program, args.python, args.threads, self.ours)
        return folder

    def int8_material(self, size):
        folder = self.folder / f"{size}-int8"
        if not folder.exists():
            args, whole = self.args, self.material(size)
            prepare.make_int8(folder, whole, args.program, args.python, args.threads, self.ours)
        return folder

    def command(self, name, folder, train, batch):
        int8 = folder.name.endswith("-int8")
        return programs.peer_command(
            name, self.args.python, folder, train, batch, self.args.threads
        ) + ["--int8"] * int8

    def environment(self, name):
        keeps = name.startswith(("keras", "torch"))
        return programs.with_allocator(self.theirs) if keeps else self.theirs

    def start(self, name, folder, train, batch, environment):
        """The peer's process, or None when it failed, which is noted."""
        note(f"{name} starts")
        log = self.folder / f"{name}.log"
        try:
            return programs.Peer(name, self.command(name, folder, train, batch), environment, log)
        except programs.Failed as fault:
            self.failed[name] = str(fault)
            note(str(fault))
            return None

    def able(self, kind):
        return [name for name in self.args.peers if kind in PEERS[name][1]]

    def summary(self, ours_ms, pairs):
        """name -> medians; pairs: name -> [(theirs, ours)] in milliseconds."""
        out = {OURS: {"ms": statistics.median(ours_ms), "ratio": None}}
        for name, values in pairs.items():
            ratios = [theirs / ours for theirs, ours in values]
            out[name] = {
                "ms": statistics.median(theirs for theirs, _ in values),
                "ratio": [round(q, 3) for q in quartiles(ratios)],
            }
        return out

    def steps(self, mode, deadline):
        """A training step or forward pass."""
        args = self.args
        train, size, batch, network = MODES[mode]
        int8 = mode in INT8
        folder = self.int8_material(size) if int8 else self.material(size, network)
        ours_ms, pairs, rounds = [], {}, 0
        with contextlib.ExitStack() as stack:
            peers = []
            kinds = "t" if train else "8" if int8 else "f"
            for name in self.able(kinds):
                if network != PLAIN and name not in programs.ANY_NETWORK:
                    continue
                peer = self.start(name, folder, train, batch, self.environment(name))
                if peer:
                    stack.callback(peer.close)
                    peers.append(peer)
                    pairs[name] = []
            options = [] if train or int8 else ["--weights", args.weights]
            ours = programs.Ours(args.program, folder, train, batch, args.threads, self.ours,
                                 options)
            before = self.peak.gflops()
            while rounds < args.rounds:
                begin = time.monotonic()
                for turn in turns(peers, rounds):
                    self.take(turn, ours, ours_ms, pairs)
                rounds += 1
                line = ", ".join(f"{n} {v[-1][0]:.2f}" for n, v in pairs.items())
                note(f"{mode} round {rounds}: {OURS} {ours_ms[-1]:.2f} ms, {line}")
                now = time.monotonic()
                if rounds >= FEWEST_ROUNDS and now + (now - begin) > deadline:
                    break
            after = self.peak.gflops()
            entry = {"summary": self.summary(ours_ms, pairs), "peaks": [before, after],
                     "rounds": rounds, "pairs": pairs, "size": size, "batch": batch, "network": network}
            self.describe(entry, peers, ours, folder, train)
        return entry

    def take(self, turn, ours, ours_ms, pairs):
        """One turn: ours and its neighbours, in the given order (None: ours)."""
        theirs, mine = {}, 0.0
        for peer in turn:
            if peer is None:
                mine = ours.measure(self.args.seconds)
            else:
                theirs[peer.name] = statistics.median(peer.measure(self.args.seconds))
        ours_ms.append(mine)
        for name, ms in theirs.items():
            pairs[name].append((ms, mine))

    def describe(self, entry, peers, ours, folder, train):
        """Versions, memory, images a second, share of the peak."""
        forward, step = prepare.multiply_adds(folder)
        work = 2e-6 * entry["batch"] * (step if train else forward)  # GFLOP, times 1000
        summary = entry["summary"]
        summary[OURS].update(
            version=self.version, setting=f"{self.isa} kernels",
            peak_bytes=ours.report["peak_rss_bytes"], command=ours.command,
        )
        for peer in peers:
            summary[peer.name].update(
                peer.about, peak_bytes=peer.peak_bytes(), command=peer.process.args
            )
        peaks = [p for p in entry["peaks"] if p]
        for row in summary.values():
            row["images_per_second"] = round(1000 * entry["batch"] / row["ms"], 2)
            if peaks and not folder.name.endswith("-int8"):  # it is the peak of floats
                share = work / row["ms"] / statistics.mean(peaks)
                row["percent_of_peak"] = round(100 * share, 1)

    def answers(self, deadline):
        """Process start to the first answer, one image, and the memory it took."""
        args = self.args
        folder = self.material(START_SIZE)
        commands = {OURS: prepare.predict_command(args.program, folder, "one-image", args.threads)}
        for name in self.able("f"):
            if name not in programs.NO_NETWORK:
                commands[name] = self.command(name, folder, False, 1) + ["--start"]
        rows = {}
        for name in list(commands):  # once unmeasured: files in the page cache, faults found
            try:
                rows[name] = [self.answer(name, commands[name])]
            except programs.Failed as fault:
                self.failed[name] = str(fault)
                note(str(fault))
                del commands[name]
        if deadline is None:
            return rows
        for values in rows.values():
            values.clear()
        for number in range(args.rounds):
            begin = time.monotonic()
            for name in sorted(commands, reverse=number % 2 == 1, key=list(commands).index):
                rows[name].append(self.answer(name, commands[name]))
            note(f"start round {number + 1}: " + ", ".join(
                f"{n} {1000 * v[-1][0]:.0f} ms" for n, v in rows.items()))
            now = time.monotonic()
            if number + 1 >= FEWEST_ROUNDS and now + (now - begin) > deadline:
                break
        return rows

    def answer(self, name, command):
        return programs.first_answer(command, self.ours if name == OURS else self.theirs)

    def start_mode(self, deadline):
        rows = self.answers(deadline)
        times = {name: [1000 * seconds for seconds, _ in values] for name, values in rows.items()}
        mine = times.pop(OURS)
        pairs = {name: list(zip(values, mine)) for name, values in times.items()}
        entry = {"summary": self.summary(mine, pairs), "rounds": len(mine), "pairs": pairs,
                 "size": START_SIZE, "batch": 1, "peaks": [None, None]}
        for name, row in entry["summary"].items():
            row["peak_bytes"] = max(peak for _, peak in rows[name])
        return entry

    def memory(self, _):
        """Peak bytes of a training process and of one that answers one image."""
        train, size, batch, _ = MODES["train-96"]
        folder = self.material(size)
        args = self.args
        ours = programs.Ours(args.program, folder, train, batch, args.threads, self.ours)
        ours.measure(0.001)
        training = {OURS: ours.report["peak_rss_bytes"]}
        for name in self.able("t"):
            peer = self.start(name, folder, train, batch, self.theirs)
            if peer and name not in programs.NO_NETWORK:
                training[name] = peer.peak_bytes()
            if peer:
                peer.close()
        answering = {name: values[0][1] for name, values in self.answers(None).items()}
        return {"training": training, "answering": answering, "driver": programs.own_peak_bytes()}


def turns(peers, number):
    """The peers in twos around ours (None), backwards in every second round."""
    groups = [[peers[i], None, *peers[i + 1 : i + 2]] for i in range(0, len(peers), 2)] or [[None]]
    if number % 2:
        return [group[::-1] for group in groups[::-1]]
    return groups


def quartiles(values):
    if len(values) < 3:
        return min(values), statistics.median(values), max(values)
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def drifted(peaks):
    return all(peaks) and max(peaks) / min(peaks) - 1 > DRIFT


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # closes the stopped peers
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    load = machine.loads()
    if load[0] > machine.QUIET:
        note(f"the load average is {load[0]}: the machine is not idle, the figures are worth little")
    end = time.monotonic() + (60 * args.minutes if args.minutes else 1e9)
    cpu, slug = machine.cpu_name()
    entries = {}
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
        comparison = Comparison(args, folder)
        for number, mode in enumerate(args.modes):
            now = time.monotonic()
            deadline = now + (end - now) / (len(args.modes) - number)
            special = {"start": comparison.start_mode, "memory": comparison.memory}
            run = special.get(mode) or (lambda until, mode=mode: comparison.steps(mode, until))
            entries[mode] = run(deadline)
            if drifted(entries[mode].get("peaks", [None])):
                note(f"{mode}: the peak moved by more than 5%: repeat it on a quieter machine")
    result = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu, "kernel": platform.release(), "commit": machine.git_commit(),
        "threads": args.threads, "isa": comparison.isa, "held": bool(args.isa),
        "allocator": os.path.basename(machine.allocator() or "glibc, no mmap, no trim"),
        "wait_policy": args.wait_policy, "load_before": load, "load_after": machine.loads(),
        "arguments": sys.argv[1:], "failed": comparison.failed, "modes": entries,
    }
    text = tables.report(result)
    print(text)
    if not args.no_store:
        tables.store(args.results, slug, result, text)


if __name__ == "__main__":
    try:
        main()
    except programs.Failed as fault:
        raise SystemExit(f"bench-peers: {fault}")
