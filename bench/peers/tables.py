"""The result of a comparison as Markdown, and its files."""

import json
import pathlib

from programs import OURS, note

TITLES = {
    "train": "training step", "infer": "forward pass", "latency": "forward pass",
    "int8": "forward pass in 8 bits", "start": "process start to the first answer",
}


def machine_lines(result):
    held = f", both sides held to {result['isa']}" if result["held"] else ""
    lines = [
        f"{result['cpu']}; {result['threads']} threads, {result['isa']} kernels{held}; "
        f"{result['date']}; commit {result['commit']}; load average "
        f"{result['load_before'][0]} before and {result['load_after'][0]} after (ours and the "
        f"peers included). OMP_WAIT_POLICY {result['wait_policy']}; allocator of Keras and PyTorch: "
        f"{result['allocator']}.",
        "",
        f"Command: `{' '.join(['bench/peers/run.sh', *result['arguments']])}`",
    ]
    for name, reason in result["failed"].items():
        lines += ["", f"Left out: {name}: {' '.join(reason.split())[:300]}"]
    return lines


def number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def steps_table(mode, entry):
    low, high = entry["peaks"]
    peak = f"; multiply-add peak {low:.0f} GFLOP/s before, {high:.0f} after" if low and high else ""
    lines = [
        f"## {mode}: {TITLES[mode.split('-')[0]]}, {entry.get('network', 'googlenet')}, "
        f"{entry['size']}x{entry['size']}, batch {entry['batch']}",
        "",
        f"{entry['rounds']} rounds{peak}.",
        "",
        "| program | setting | ms (median) | images/s | % of peak | time / ours, median (quartiles) "
        "| peak memory MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in entry["summary"].items():
        setting = ", ".join(row[key] for key in ("version", "setting") if row.get(key))
        lines.append(
            f"| {name} | {setting} | {row['ms']:.2f} | {number(row.get('images_per_second'), 1)} | "
            f"{number(row.get('percent_of_peak'), 0)} | {ratio(row)} | "
            f"{row['peak_bytes'] / 1e6:.0f} |"
        )
    return lines


def ratio(row):
    if row["ratio"] is None:
        return "1"
    low, middle, high = row["ratio"]
    return f"**{middle:.2f}** ({low:.2f} to {high:.2f})"


def memory_table(entry):
    lines = [
        "## memory: peak of the process, MB",
        "",
        "| program | training step, 96x96, batch 128 | / ours | one image answered | / ours |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    training, answering = entry["training"], entry["answering"]
    for name in [*training, *(n for n in answering if n not in training)]:
        cells = []
        for column in (training, answering):
            value = column.get(name)
            cells.append("" if value is None else f"{value / 1e6:.0f}")
            cells.append("" if value is None else f"{value / column[OURS]:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def report(result):
    lines = ["# Ours beside its peers", "", *machine_lines(result)]
    for mode, entry in result["modes"].items():
        table = memory_table(entry) if mode == "memory" else steps_table(mode, entry)
        lines += ["", *table]
    return "\n".join(lines) + "\n"


def store(folder, slug, result, text):
    """DATE-TIME-CPU.md and .json."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = result["date"].replace(" UTC", "").replace(" ", "-").replace(":", "")
    path = folder / f"{stamp}-{slug}.md"
    path.write_text(text, encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    note(f"written to {path} and {path.with_suffix('.json')}")
