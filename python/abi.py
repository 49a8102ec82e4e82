"""Writes googlenet/_abi.py: the structs, enumerations and functions of googlenet.h for ctypes.

The wheel is built with it, so the two cannot part. It understands the C of that header, nothing more;
a declaration that it does not is an error.

    python3 abi.py ../include/googlenet.h googlenet/_abi.py
"""

from __future__ import annotations

import re
import sys

BASE = {
    "void": "None", "char": "ct.c_char", "bool": "ct.c_bool", "int": "ct.c_int",
    "unsigned": "ct.c_uint", "float": "ct.c_float", "double": "ct.c_double",
    "size_t": "ct.c_size_t", "uint8_t": "ct.c_uint8", "int32_t": "ct.c_int32",
    "uint32_t": "ct.c_uint32", "uint64_t": "ct.c_uint64",
}  # fmt: skip


class Header:
    """What has been read so far."""

    def __init__(self) -> None:
        self.enums: set[str] = set()
        self.structs: set[str] = set()
        self.functions_types: set[str] = set()
        self.constants: dict[str, int] = {}

    def value(self, word: str) -> int:
        return int(word) if word.isdigit() else self.constants[word]

    def pointer(self, base: str, stars: int) -> str:
        """The ctypes type of `base` with so many stars."""
        if stars == 0:
            if base in BASE:
                return BASE[base]
            if base in self.enums:
                return "ct.c_int"
            if base in self.structs:
                return base
            raise SystemExit(f"abi.py: the type {base} is not known")
        if base == "char":
            kind = "ct.c_char_p"
        elif base in self.functions_types:
            kind = base
        elif base in BASE and base != "void":
            kind = f"ct.POINTER({BASE[base]})"
        elif base in self.structs:
            kind = f"ct.POINTER({base})"
        elif base in self.enums:
            kind = "ct.POINTER(ct.c_int)"
        else:
            kind = "ct.c_void_p"  # void, FILE, and what only the library knows
        for _ in range(stars - 1):
            kind = f"ct.POINTER({kind})"
        return kind

    def split(self, text: str) -> tuple[str, list[tuple[str, str]]]:
        """`const char *a, *b[3]` as its base type and its names with their types."""
        text = re.sub(r"\b(const|volatile|struct|enum)\b", " ", text).strip()
        base, rest = re.match(r"(\w+)\s*(.*)", text, re.S).groups()  # type: ignore[union-attr]
        names = []
        for part in rest.split(","):
            stars = part.count("*")
            name, sizes = re.match(r"(\w*)((?:\[\w*\])*)", re.sub(r"[\s*]", "", part)).groups()  # type: ignore[union-attr]
            kind = self.pointer(base, stars)
            for size in reversed(re.findall(r"\[(\w*)\]", sizes)):
                kind = f"{kind} * {self.value(size)}"
            names.append((name, kind))
        return base, names

    def callback(self, result: str, parameters: str) -> str:
        kinds = [self.parameter(p) for p in commas(parameters)]
        kind = self.pointer(*base_of(result))
        return f"ct.CFUNCTYPE({', '.join([kind, *kinds])})"

    def parameter(self, text: str) -> str:
        call = re.fullmatch(r"(.*?)\(\*\w+\)\s*\((.*)\)", text.strip(), re.S)
        if call:
            return self.callback(*call.groups())
        text = re.sub(r"\[\w*\]", "", text) if "[" not in text else re.sub(r"(\w+)\[\w*\]", r"*\1", text)
        return self.split(text)[1][0][1]


def base_of(text: str) -> tuple[str, int]:
    text = re.sub(r"\b(const|volatile|struct|enum)\b", " ", text)
    return text.replace("*", " ").split()[0], text.count("*")


def commas(text: str) -> list[str]:
    """Parameters, those of pointers to functions not cut apart."""
    parts, depth, last = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(text[last:i])
            last = i + 1
    parts.append(text[last:])
    return [p.strip() for p in parts if p.strip() not in ("", "void")]


def enumeration(header: Header, body: str, out: list[str]) -> None:
    value = -1
    for item in body.split(","):
        if not item.strip():
            continue
        name, _, given = (s.strip() for s in item.partition("="))
        value = header.value(given) if given else value + 1
        header.constants[name] = value
        out.append(f"{name} = {value}")


def structure(header: Header, name: str, body: str, out: list[str]) -> None:
    fields = []
    for line in body.split(";"):
        if not line.strip():
            continue
        call = re.fullmatch(r"\s*(.*?)\(\*(\w+)\)\s*\((.*)\)\s*", line, re.S)
        if call:
            fields.append((call[2], header.callback(call[1], call[3])))
        else:
            fields += header.split(line)[1]
    out.append(f"{name}._fields_ = [")
    out += [f'    ("{field}", {kind}),' for field, kind in fields]
    out.append("]")


def write(text: str) -> str:
    header = Header()
    version = [int(n) for n in re.findall(r"#define GN_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)", text)]
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^\s*#(?:.*\\\n)*.*$", "", text, flags=re.M)
    text = re.sub(r"GN_PRINTF\([^)]*\)", "", text)
    out = [
        '"""Made by abi.py from googlenet.h."""',
        "",
        "import ctypes as ct",
        "from typing import Any",
        "",
        f"VERSION_NUMBER = {10000 * version[0] + 100 * version[1] + version[2]}",
    ]
    header.structs = set(re.findall(r"struct (gn_\w+) \{", text))
    out += [line for name in sorted(header.structs) for line in ("", f"class {name}(ct.Structure):", "    pass", "")]
    for match in re.finditer(
        r"(?:typedef )?enum (?P<enum>\w*)\s*\{(?P<values>[^}]*)\}"
        r"|struct (?P<struct>gn_\w+) \{(?P<body>[^}]*)\}"
        r"|typedef (?P<result>[\w\s*]+?)\b(?P<kind>gn_\w+)\((?P<kinds>[^;]*)\);",
        text,
    ):
        if match["values"] is not None:
            header.enums.add(match["enum"])
            enumeration(header, match["values"], out)
        elif match["body"] is not None:
            structure(header, match["struct"], match["body"], out)
        else:
            header.functions_types.add(match["kind"])
            out.append(f"{match['kind']} = {header.callback(match['result'], match['kinds'])}")
    out += ["", "def declare(library: Any) -> None:", '    """Gives each function its types."""']
    for match in re.finditer(r"GN_API\s+([\w\s]+?[\s*]+)(gn_\w+)\((.*?)\);", text, re.S):
        kinds = [header.parameter(p) for p in commas(match[3])]
        result = header.pointer(*base_of(match[1]))
        out.append(f"    library.{match[2]}.restype = {result}")
        out.append(f"    library.{match[2]}.argtypes = [{', '.join(kinds)}]")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as source:
        result = write(source.read())
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        target.write(result)
