# The installed package: programs, runtime, headers, and what find_package(lpgen) reads.
#
#   lpgen::abi       lp_kernel.h and lp_cpu_features(): all that a C program needs
#   lpgen::runtime   tensors, thread pool, KernelRunner
#   lpgen::lpgen     the compiler, if it was built
#   lpgen::training  what lpgen-train is made of, of COMPONENTS training, if it was built
#   lpgen_add_kernels
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(lpgen_abi PROPERTIES EXPORT_NAME abi)
set_target_properties(lpgen_base PROPERTIES EXPORT_NAME base)
set_target_properties(lpgen_runtime PROPERTIES EXPORT_NAME runtime)
set(installed lpgen_abi lpgen_base lpgen_runtime)
if(TARGET lpgen)
  list(APPEND installed lpgen)
endif()
# Programs that nobody links: lpgen finds all but lpgen-opt beside itself.
foreach(program lpgen-bench lpgen-train lpgen-eval lpgen-export lpgen-quantize lpgen-refine
    lpgen-import lpgen-opt)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
# Tuned rules: lpgen finds them in ../share/lpgen/tuned, here and where it is installed.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/schedules/tuned DESTINATION ${CMAKE_INSTALL_DATADIR}/lpgen)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/lpgen)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/schedules/tuned ${PROJECT_BINARY_DIR}/share/lpgen/tuned
  SYMBOLIC)
# Layers: lpgen finds what a file includes in ../share/lpgen/operators, if not beside it.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/lpgen/operators)
foreach(library layers.lp tflite.lp)
  install(FILES ${PROJECT_SOURCE_DIR}/operators/${library}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/lpgen/operators)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/operators/${library}
    ${PROJECT_BINARY_DIR}/share/lpgen/operators/${library} SYMBOLIC)
endforeach()
# The page of a training run: lpgen and lpgen-train find its maker in ../share/lpgen/report.
if(LPGEN_BUILD_TRAINING)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/workbench/report DESTINATION ${CMAKE_INSTALL_DATADIR}/lpgen
    USE_SOURCE_PERMISSIONS PATTERN "__pycache__" EXCLUDE)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/workbench/report ${PROJECT_BINARY_DIR}/share/lpgen/report
    SYMBOLIC)
endif()
# MLIR's shared library lies in LLVM's own folder, where no loader looks by itself.
foreach(program lpgen lpgen-opt)
  if(TARGET ${program})
    set_target_properties(${program} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  endif()
endforeach()

# Completion for shells and manual pages, which the programs themselves know best: lpgen is
# asked when it is installed, with the programs beside it.
if(TARGET lpgen AND NOT CMAKE_CROSSCOMPILING)
  find_program(LPGEN_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
  find_program(LPGEN_PYTHON python3)
  foreach(completion bash:bash-completion/completions/lpgen zsh:zsh/vendor-completions/_lpgen)
    string(REPLACE ":" ";" completion ${completion})
    list(GET completion 0 shell)
    list(GET completion 1 file)
    install(CODE "
      set(file \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/${file}\")
      cmake_path(GET file PARENT_PATH folder)
      file(MAKE_DIRECTORY \${folder})
      execute_process(COMMAND $<TARGET_FILE:lpgen> completion ${shell} OUTPUT_FILE \${file}
        COMMAND_ERROR_IS_FATAL ANY)")
  endforeach()
  if(LPGEN_PYTHON)
    install(CODE "
      execute_process(COMMAND ${LPGEN_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/write-man-pages
        $<TARGET_FILE:lpgen> ${PROJECT_VERSION}
        \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1\"
        COMMAND_ERROR_IS_FATAL ANY)")
  else()
    message(STATUS "lpgen: manual pages are left out, python3 writes them")
  endif()
endif()
# Operators to try, and programs that use them.
install(FILES ${PROJECT_SOURCE_DIR}/examples/conv3x3_w2a2.lp
  ${PROJECT_SOURCE_DIR}/examples/gemm_w4a4.lp DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/c ${PROJECT_SOURCE_DIR}/examples/cpp
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples PATTERN "CMakeLists.txt" EXCLUDE)

# Headers keep their path from the root of the repository, by which they include each other.
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/lpgen)
install(TARGETS ${installed} EXPORT lpgenTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${headers} ${headers}/base/abi)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/base DESTINATION ${headers}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/kernels DESTINATION ${headers}/runtime
  FILES_MATCHING PATTERN "*.h")
# For programs that rather compile the detection of CPU features with their own flags.
install(FILES ${PROJECT_SOURCE_DIR}/base/abi/CpuFeatures.c DESTINATION ${headers}/base/abi)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lpgen)
# Training is a component of its own: its headers have a root of their own, so that
# lpgen::runtime sees none of them, and only who asks for it needs its libraries.
set(LPGEN_TRAINING_HAS_MPI OFF)
if(TARGET lpgen_training)
  set(training_headers ${CMAKE_INSTALL_INCLUDEDIR}/lpgen-training)
  foreach(library builder networks data training)
    set_target_properties(lpgen_${library} PROPERTIES EXPORT_NAME ${library})
    install(TARGETS lpgen_${library} EXPORT lpgenTrainingTargets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${training_headers})
  endforeach()
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/training ${PROJECT_SOURCE_DIR}/networks
    DESTINATION ${training_headers} FILES_MATCHING PATTERN "*.h" PATTERN "c" EXCLUDE)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/operators/builder
    DESTINATION ${training_headers}/operators FILES_MATCHING PATTERN "*.h")
  install(EXPORT lpgenTrainingTargets NAMESPACE lpgen:: DESTINATION ${package})
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/FindOpenBLAS.cmake DESTINATION ${package})
  get_target_property(libraries lpgen_training LINK_LIBRARIES)
  if("MPI::MPI_C" IN_LIST libraries)
    set(LPGEN_TRAINING_HAS_MPI ON)
  endif()
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/lpgenConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/lpgenConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/lpgenConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(EXPORT lpgenTargets NAMESPACE lpgen:: DESTINATION ${package})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lpgenConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/lpgenConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/LpgenKernels.cmake
  DESTINATION ${package})
