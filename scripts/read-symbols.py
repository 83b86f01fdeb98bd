"""Prints as JSON what a native add-on exports, what it imports and from where, and which libraries it loads.

Usage: python read-symbols.py FILE, with the `lief` and `ziglang` packages. For musl, whose symbols have no versions,
`libc` is every name in the list that zig links with.
"""

import json
import re
import sys
from pathlib import Path

import lief
import ziglang

EXTERNAL, STAB, TYPE = 0x01, 0xE0, 0x0E


def read_elf(binary):
    imports = []
    for symbol in binary.dynamic_symbols:
        if symbol.shndx != 0 or symbol.name == "" or symbol.binding == lief.ELF.Symbol.BINDING.WEAK:
            continue
        version = symbol.symbol_version
        versioned = version is not None and version.has_auxiliary_version
        imports.append(
            {"name": symbol.name, "version": version.symbol_version_auxiliary.name if versioned else None}
        )
    musl = Path(ziglang.__file__).parent / "lib" / "libc" / "musl" / "libc.S"
    return {
        "exports": [symbol.name for symbol in binary.exported_symbols],
        "imports": imports,
        "libraries": list(binary.libraries),
        "libc": re.findall(r"^(?:\.\w+|[A-Z][A-Z0-9]+) (\w+)", musl.read_text(), re.MULTILINE),
    }


def read_macho(binary):
    libraries = [library.name for library in binary.libraries if library.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    imports = []
    for symbol in binary.symbols:
        if symbol.raw_type & STAB or symbol.raw_type & TYPE or not symbol.raw_type & EXTERNAL:
            continue
        ordinal = symbol.description >> 8 & 0xFF
        known = 1 <= ordinal <= len(libraries)
        imports.append({"name": symbol.name.removeprefix("_"), "library": libraries[ordinal - 1] if known else None})
    return {
        "exports": [symbol.name.removeprefix("_") for symbol in binary.exported_symbols],
        "imports": imports,
        "libraries": libraries,
        "signed": binary.has_code_signature,
    }


def read_pe(binary):
    imports = [
        {"name": entry.name, "library": library.name} for library in binary.imports for entry in library.entries
    ]
    return {
        "exports": [entry.name for entry in binary.get_export().entries] if binary.has_exports else [],
        "imports": imports,
        "libraries": [library.name for library in binary.imports],
    }


lief.logging.disable()
parsed = lief.parse(sys.argv[1])
read = {lief.MachO.Binary: read_macho, lief.PE.Binary: read_pe}.get(type(parsed), read_elf)
json.dump(read(parsed), sys.stdout)
