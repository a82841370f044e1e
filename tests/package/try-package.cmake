# Installs a build into an empty prefix, then configures, builds and runs the project beside
# this file against it: what a user of the package does.
#
#   cmake -DBUILD=... -DPROJECT=... -DWORK=... -DGENERATOR=... -DC_COMPILER=...
#     -DCXX_COMPILER=... -DHOST_TOOL=... -DTRAINING=... -DPYTHON=... -P try-package.cmake
#
# HOST_TOOL is empty if the package has the compiler itself. TRAINING says whether it has
# the component of training; PYTHON is the Python of its module, empty if it has none.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(status)
    message(FATAL_ERROR "${what}: expected status 0, found ${status}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run("install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
# What lpgen::runtime sees of the project's headers.
file(GLOB_RECURSE headers RELATIVE ${WORK}/prefix/include/lpgen ${WORK}/prefix/include/lpgen/*.h)
foreach(header IN LISTS headers)
  if(NOT header MATCHES "^(base|runtime/kernels)/")
    message(FATAL_ERROR "lpgen::runtime sees ${header}, which is none of its headers")
  endif()
endforeach()
set(configure ${CMAKE_COMMAND} -S ${PROJECT} -G ${GENERATOR} -DCMAKE_C_COMPILER=${C_COMPILER}
  -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DLPGEN_HOST_TOOL=${HOST_TOOL})
run("configure" ${configure} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run("build" ${CMAKE_COMMAND} --build ${WORK}/build)
run("one-target" ${WORK}/build/one-target)
run("several-targets" ${WORK}/build/several-targets)
# Nothing changed, so nothing is compiled again.
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build OUTPUT_VARIABLE again)
if(GENERATOR STREQUAL "Ninja" AND NOT again MATCHES "no work to do")
  message(FATAL_ERROR "second build: expected no work, found\n${again}")
endif()

# The module finds the program of its own installation, which shells complete.
if(PYTHON)
  set(ENV{PYTHONPATH} ${WORK}/prefix/lib/python3/dist-packages)
  set(ENV{XDG_CACHE_HOME} ${WORK}/cache)
  run("import in Python" ${PYTHON} -c "import lpgen; lpgen.quantize([1], 8)")
endif()
if(PYTHON AND NOT HOST_TOOL)
  run("Python" ${PYTHON} -c "import lpgen
kernel = lpgen.compile('op f(x: u4[3]) -> (y: u4[3]) { y[i] = x[i] }', target='generic')
assert kernel([1, 2, 3]).tolist() == [1, 2, 3]
assert lpgen._program.program() == '${WORK}/prefix/bin/lpgen'")
endif()
if(PYTHON AND NOT HOST_TOOL)
  run("guide" ${CMAKE_COMMAND} -E env PATH=${WORK}/prefix/bin:$ENV{PATH}
    CMAKE_PREFIX_PATH=${WORK}/prefix CC=${C_COMPILER} CXX=${CXX_COMPILER}
    ${PYTHON} ${PROJECT}/../python/document-test
    ${PROJECT}/../../docs/guide/first-kernel.md)
endif()
if(NOT HOST_TOOL)
  run("completion" bash -n ${WORK}/prefix/share/bash-completion/completions/lpgen)
endif()
# Manual pages say what --help says. A wheel has the module, and the program where
# environments have theirs.
if(PYTHON AND NOT HOST_TOOL)
  run("manual pages" ${PYTHON} -c "import gzip
page = gzip.open('${WORK}/prefix/share/man/man1/lpgen-compile.1.gz', 'rt').read()
assert '.SH SYNOPSIS\\nlpgen compile [OPTIONS] FILE\\n' in page, page")
  set(source ${PROJECT}/../..)
  run("wheel" ${PYTHON} ${source}/cmake/make-wheel ${WORK}/prefix 0.0 ${source}/LICENSE ${WORK})
  file(GLOB wheel ${WORK}/lpgen-0.0-*.whl)
  run("files of the wheel" ${PYTHON} -c "import base64, hashlib, zipfile
wheel = zipfile.ZipFile('${wheel}')
names = wheel.namelist()
record = wheel.read('lpgen-0.0.dist-info/RECORD').decode().splitlines()
assert [line.rsplit(',', 2)[0] for line in record] == names, record
for line in record[:-1]:
    name, digest, size = line.rsplit(',', 2)
    content = wheel.read(name)
    expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')
    assert digest == 'sha256=' + expected and int(size) == len(content), line
assert 'lpgen/__init__.py' in names and 'lpgen-0.0.dist-info/METADATA' in names, names
program = wheel.getinfo('lpgen-0.0.data/scripts/lpgen')
assert program.external_attr >> 16 == 0o100755, program")
endif()

# The component of training, and a package that lacks it.
if(TRAINING)
  run("configure with training" ${configure} -B ${WORK}/training -DWITH_TRAINING=ON
    -DCMAKE_PREFIX_PATH=${WORK}/prefix)
  run("build with training" ${CMAKE_COMMAND} --build ${WORK}/training)
  run("training" ${WORK}/training/training)
  file(GLOB_RECURSE files ${WORK}/prefix/lib*/cmake/lpgen/lpgenTrainingTargets*.cmake)
  file(REMOVE ${files})
endif()
execute_process(COMMAND ${configure} -B ${WORK}/without -DWITH_TRAINING=ON
  -DCMAKE_PREFIX_PATH=${WORK}/prefix
  RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE error)
string(REGEX REPLACE "[ \n]+" " " error "${error}")
set(expected "component 'training' is not in this package, build lpgen with")
if(NOT status OR NOT error MATCHES "${expected}")
  message(FATAL_ERROR "training where there is none: status ${status}, found\n${error}")
endif()
