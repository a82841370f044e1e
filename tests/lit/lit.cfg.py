# The lit suite: text in, FileCheck on what lpgen and lpgen-opt print.
#
# lit.site.cfg.py of a build folder sets the paths and loads this file. Tests use
# `lpgen`, `lpgen-opt`, `FileCheck`, `not`, `count` and `split-file` by name, %s and
# %t as everywhere, %examples and %tests for those folders, %write-tensors for
# Inputs/write-tensors.py, %write-idx for Inputs/write-idx.py, %write-sample-network FOLDER
# for net.lp and net.safetensors of Inputs/sample-network.py. A test that runs kernels for
# AArch64 says
# `REQUIRES: qemu-aarch64`. What schedules are chosen must not depend on the CPU that
# the suite runs on: tests that show them say `--cpu`.
import os
import platform
import shutil
import sys

import lit.formats

config.name = "lpgen"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".lp", ".test"]
# Inputs of tests that lie beside them, not tests themselves.
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(os.path.abspath(__file__))

config.environment["PATH"] = os.pathsep.join(
    [config.lpgenToolsDir, config.llvmToolsDir, os.environ.get("PATH", "")])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
# The user's own tuned rules must not change what a test sees.
config.environment["HOME"] = config.test_exec_root
config.environment["XDG_CONFIG_HOME"] = config.test_exec_root
config.substitutions.append(
    ("%write-tensors", f"{sys.executable} {config.test_source_root}/Inputs/write-tensors.py"))
config.substitutions.append(
    ("%write-idx", f"{sys.executable} {config.test_source_root}/Inputs/write-idx.py"))
config.substitutions.append(
    ("%write-onnx", f"{sys.executable} {config.test_source_root}/Inputs/write-onnx.py"))
config.substitutions.append(
    ("%write-gguf", f"{sys.executable} {config.test_source_root}/Inputs/write-gguf.py"))
config.substitutions.append(
    ("%write-sample-network", f"{sys.executable} "
     f"{config.test_source_root}/Inputs/sample-network.py"))
config.substitutions.append(
    ("%tests", os.path.join(config.lpgenSourceDir, "tests")))
config.substitutions.append(
    ("%examples", os.path.join(config.lpgenSourceDir, "examples")))

config.available_features.add(platform.machine())
if config.importsOnnx:
    config.available_features.add("onnx")
if config.buildsTraining:
    config.available_features.add("training")
if shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64"):
    config.available_features.add("qemu-aarch64")
elif os.environ.get("LPGEN_TEST_MAY_SKIP") != "1":
    lit_config.fatal("no qemu-aarch64-static, which tests need; install it with "
                     "scripts/setup test, or set LPGEN_TEST_MAY_SKIP=1")
