# `package`: a Debian package of all that `cmake --install` installs. `wheel`: the Python
# module and the programs that it runs, for pip.
#
# dpkg-shlibdeps finds the packages of shared libraries; named here is what programs start,
# and the Python that the module is made for.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME lpgen)
set(CPACK_PACKAGE_CONTACT "The lpgen developers <lpgen@example.org>" CACHE STRING
  "maintainer of the package")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "compiler of low-precision tensor operators")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"lpgen compiles tensor operators with weights and activations of 1 to 8 bits
into fast, exact CPU kernels: object files with a C header. It imports networks
from ONNX and TFLite files and trains networks on the same kernels.
.
This package has the compiler, the trainer, the libraries and headers of the
runtime, their CMake files, and the Python module.")
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(depends)
if(TARGET lpgen)
  # dpkg-shlibdeps finds libLLVM by a link of llvm-dev, which no package of libraries owns.
  list(APPEND depends "libllvm${LLVM_VERSION_MAJOR}" "lld-${LLVM_VERSION_MAJOR}")
endif()
if(TARGET lpgen_python)
  execute_process(COMMAND ${LPGEN_PYTHON} -c "import sys
major, minor = sys.version_info[:2]
print(f'python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})', end='')"
    OUTPUT_VARIABLE python COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND depends ${python} "python3-numpy")
elseif(LPGEN_BUILD_TRAINING)
  list(APPEND depends "python3")
endif()
list(JOIN depends ", " CPACK_DEBIAN_PACKAGE_DEPENDS)
# For projects that ask find_package(lpgen) for training, other layers, data and emulators.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake, libopenblas-dev, zlib1g-dev, nlohmann-json3-dev, \
libopenmpi-dev, python3-torch, dataset-fashion-mnist, qemu-user-static")
set(CPACK_STRIP_FILES ON)
# Whatever the umask of the user who makes the package.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
include(CPack)

# What Debian wants to know of every package.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(CODE "
  set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DOCDIR}\")
  file(MAKE_DIRECTORY \${folder})
  file(ARCHIVE_CREATE OUTPUT \${folder}/changelog.gz PATHS ${PROJECT_SOURCE_DIR}/CHANGELOG.md
    FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)")

if(TARGET lpgen AND TARGET lpgen_python)
  set(stage ${CMAKE_CURRENT_BINARY_DIR}/wheel-contents)
  set(parts)
  foreach(part lpgen lpgen-bench lpgen-train lpgen-eval lpgen-export lpgen-quantize lpgen-refine lpgen-import lpgen-opt
      lpgen_python lpgen_python_training)
    if(TARGET ${part})
      list(APPEND parts ${part})
    endif()
  endforeach()
  # What was installed there before may be gone from the source.
  add_custom_target(wheel
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${stage}
    COMMAND ${CMAKE_COMMAND} --install ${CMAKE_CURRENT_BINARY_DIR} --prefix ${stage} --strip
    COMMAND ${LPGEN_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/make-wheel ${stage} ${PROJECT_VERSION}
      ${PROJECT_SOURCE_DIR}/LICENSE ${CMAKE_CURRENT_BINARY_DIR}
    DEPENDS ${parts} VERBATIM)
endif()
