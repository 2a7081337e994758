"""The contents of the functions' packages, as two tables in Markdown: `cargo make bloat`.

Needs `cargo install cargo-bloat --locked`, and `size` of binutils. Shares the release build with
packaging and benchmarks; only the functions' own packages are compiled and linked once more, for their
symbols. A crate's share is cargo-bloat's guess: generic code counts for the crate whose type it is for.
"""

import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

WORKSPACE = Path(__file__).parents[2]
FUNCTIONS = ["rotate-access-keys", "onboard-accounts", "notify-compliance", "report-compliance"]
# Crates below this many kB in every function are added up; they are many, and none is worth an effort.
LEAST_KB = 40
# Sections by what they are for; those that are in no line are small.
SECTIONS = {
    "code": [".text"],
    "constants and tables": [".rodata"],
    "unwinding": [".eh_frame", ".eh_frame_hdr", ".gcc_except_table"],
    "data and relocations": [".data", ".data.rel.ro", ".rela.dyn", ".got"],
}


def run(*command):
    return subprocess.run(command, cwd=WORKSPACE, check=True, stdout=subprocess.PIPE, text=True).stdout


def target_directory():
    return Path(json.loads(run("cargo", "metadata", "--format-version=1", "--no-deps", "--offline"))["target_directory"])


def crates(function):
    """The bytes of code of each crate."""
    options = ["--release", "--crates", "--bin", function, "--config", "tests/benches/bloat.toml"]
    found = json.loads(run("cargo", "bloat", *options, "-n", "0", "--message-format", "json"))
    return {crate["name"]: crate["size"] for crate in found["crates"]}


def sections(binary):
    """The bytes of each section."""
    rows = [row.split() for row in run("size", "-A", "-d", binary).splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdigit()}


def zipped(binary):
    """The bytes of the package that Lambda is given."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(binary, "bootstrap")
    return len(package.getvalue())


def table(title, rows):
    print(f"| {title} | " + " | ".join(FUNCTIONS) + " |")
    print("|---" * (len(FUNCTIONS) + 1) + "|")
    for name, values in rows:
        print(f"| {name} | " + " | ".join(f"{value / 1000:,.0f}" for value in values) + " |")
    print()


def main():
    by_function = [crates(function) for function in FUNCTIONS]
    # The binaries that are packaged, in the place where cargo-bloat's lay just now.
    run("cargo", "build", "--release", "--workspace", "--bins", "--locked")
    binaries = [target_directory() / "release" / function for function in FUNCTIONS]
    by_section = [sections(binary) for binary in binaries]

    rows = [("**zip**", [zipped(binary) for binary in binaries])]
    rows.append(("**binary**", [os.path.getsize(binary) for binary in binaries]))
    for name, names in SECTIONS.items():
        rows.append((name, [sum(found.get(section, 0) for section in names) for found in by_section]))
    table("kB", rows)

    names = sorted({name for found in by_function for name in found}, key=lambda name: -sum(f.get(name, 0) for f in by_function))
    sizes = {name: [found.get(name, 0) for found in by_function] for name in names}
    large = {name: values for name, values in sizes.items() if max(values) >= 1000 * LEAST_KB}
    rest = [sum(values) for values in zip(*(values for name, values in sizes.items() if name not in large))]
    table("code, kB", [*large.items(), (f"{len(sizes) - len(large)} others", rest)])


main()
