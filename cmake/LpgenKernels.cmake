# lpgen_add_kernels: operators in, a library of kernels out.
#
#   lpgen_add_kernels(TARGET
#     SOURCES a.lp b.lp
#     [OPS name...]             # only these operators; default: every `op` of the files
#     [TARGETS x86_avx2 generic]# default: what fits CMAKE_SYSTEM_PROCESSOR
#     [SCHEDULE text | SCHEDULE_FILE file]
#     [DEFINES M=1 ...]
#     [WEIGHTS w.safetensors])  # default: a.safetensors beside a.lp, if there is one
#
# TARGET becomes a static library that carries the folder of the generated headers
# (<op>.h) and links lpgen::abi, which has lp_kernel.h and lp_cpu_features(). With several
# TARGETS of one architecture each operator gets lp_<op>_select(), and its short names use
# the best kernel of the CPU that runs them.
#
# The compiler is, in this order: LPGEN_HOST_TOOL, the target `lpgen` of this build, the
# installed lpgen::lpgen. Kernels are made again when an operator file, its weights or the
# compiler change.
include_guard(GLOBAL)

# The program that compiles kernels, and what to depend on.
function(lpgen_find_tool outCommand outDepends)
  if(LPGEN_HOST_TOOL)
    if(NOT EXISTS "${LPGEN_HOST_TOOL}")
      message(FATAL_ERROR "LPGEN_HOST_TOOL is '${LPGEN_HOST_TOOL}', which does not exist; "
        "expected the path of an lpgen program that runs on this machine")
    endif()
    set(command "${LPGEN_HOST_TOOL}")
    set(depends "${LPGEN_HOST_TOOL}")
  elseif(TARGET lpgen)
    set(command "$<TARGET_FILE:lpgen>")
    set(depends lpgen)
  elseif(TARGET lpgen::lpgen)
    set(command "$<TARGET_FILE:lpgen::lpgen>")
    set(depends "$<TARGET_FILE:lpgen::lpgen>")
  else()
    message(FATAL_ERROR "lpgen_add_kernels needs the lpgen program, and this build has none; "
      "remedy: -DLPGEN_HOST_TOOL=<path of lpgen>, or build the compiler "
      "(-DLPGEN_BUILD_COMPILER=ON)")
  endif()
  set(${outCommand} "${command}" PARENT_SCOPE)
  set(${outDepends} "${depends}" PARENT_SCOPE)
endfunction()

# The targets that fit the CPU that is built for. `generic` is the compiler's own
# architecture, so it joins only where that is the same.
function(lpgen_default_targets out)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(targets x86_avx2)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(targets arm_neon)
  else()
    set(targets)
  endif()
  if(NOT CMAKE_CROSSCOMPILING)
    list(APPEND targets generic)
  endif()
  if(NOT targets)
    message(FATAL_ERROR "lpgen has no target for CMAKE_SYSTEM_PROCESSOR "
      "'${CMAKE_SYSTEM_PROCESSOR}' in a cross build; give TARGETS, see `lpgen targets`")
  endif()
  set(${out} ${targets} PARENT_SCOPE)
endfunction()

# The operators that a file declares: `op NAME(` at the start of a line.
function(lpgen_ops_of file out)
  file(STRINGS "${file}" lines REGEX "^[ \t]*op[ \t]+[A-Za-z_][A-Za-z_0-9]*[ \t]*\\(")
  set(ops)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^[ \t]*op[ \t]+([A-Za-z_][A-Za-z_0-9]*).*" "\\1" op "${line}")
    list(APPEND ops ${op})
  endforeach()
  set(${out} ${ops} PARENT_SCOPE)
endfunction()

function(lpgen_add_kernels target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "SCHEDULE;SCHEDULE_FILE;WEIGHTS"
    "SOURCES;OPS;TARGETS;DEFINES")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lpgen_add_kernels(${target}): unknown arguments "
      "'${ARG_UNPARSED_ARGUMENTS}'; expected SOURCES, OPS, TARGETS, SCHEDULE, SCHEDULE_FILE, "
      "DEFINES or WEIGHTS")
  endif()
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "lpgen_add_kernels(${target}): no SOURCES; expected .lp files")
  endif()
  if(NOT ARG_TARGETS)
    lpgen_default_targets(ARG_TARGETS)
  endif()
  lpgen_find_tool(tool toolDepends)

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}-kernels)
  set(options)
  set(inputs ${toolDepends})
  if(ARG_SCHEDULE)
    list(APPEND options --schedule ${ARG_SCHEDULE})
  endif()
  if(ARG_SCHEDULE_FILE)
    get_filename_component(scheduleFile ${ARG_SCHEDULE_FILE} ABSOLUTE)
    list(APPEND options --schedule-file ${scheduleFile})
    list(APPEND inputs ${scheduleFile})
  endif()
  set(weights)
  if(ARG_WEIGHTS)
    get_filename_component(weights ${ARG_WEIGHTS} ABSOLUTE)
    list(APPEND options --weights ${weights})
  endif()
  foreach(define IN LISTS ARG_DEFINES)
    list(APPEND options -D ${define})
  endforeach()
  list(JOIN ARG_TARGETS "," targetList)
  list(LENGTH ARG_TARGETS numTargets)

  set(objects)
  set(generated)
  set(missing ${ARG_OPS})
  foreach(source IN LISTS ARG_SOURCES)
    get_filename_component(file ${source} ABSOLUTE)
    if(NOT EXISTS ${file})
      message(FATAL_ERROR "lpgen_add_kernels(${target}): operator file '${file}' does not exist")
    endif()
    # An operator added to the file is a new output.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    if(NOT ARG_WEIGHTS)
      string(REGEX REPLACE "\\.[^./]*$" ".safetensors" weights ${file})
      if(NOT EXISTS ${weights})
        set(weights)
      endif()
    endif()
    lpgen_ops_of(${file} ops)
    if(NOT ops)
      message(FATAL_ERROR "lpgen_add_kernels(${target}): '${file}' declares no operator; "
        "expected 'op NAME(' at the start of a line")
    endif()
    foreach(op IN LISTS ops)
      if(ARG_OPS AND NOT op IN_LIST ARG_OPS)
        continue()
      endif()
      list(REMOVE_ITEM missing ${op})
      if(numTargets EQUAL 1)
        set(opObjects ${folder}/${op}.o)
        set(opOthers ${folder}/${op}.h ${folder}/${op}.json)
      else()
        set(opObjects)
        foreach(variant IN LISTS ARG_TARGETS)
          list(APPEND opObjects ${folder}/${op}_${variant}.o)
        endforeach()
        set(opOthers ${folder}/${op}.h ${folder}/${op}.json ${folder}/${op}_dispatch.c)
      endif()
      add_custom_command(OUTPUT ${opObjects} ${opOthers}
        COMMAND ${tool} compile ${file} --op ${op} --target ${targetList} ${options} --quiet
          -o ${folder}
        DEPENDS ${file} ${weights} ${inputs}
        COMMENT "Kernel ${op} for ${targetList}" VERBATIM)
      list(APPEND objects ${opObjects})
      list(APPEND generated ${opOthers})
    endforeach()
  endforeach()
  if(missing)
    message(FATAL_ERROR "lpgen_add_kernels(${target}): no SOURCES declare operators "
      "'${missing}'")
  endif()

  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(${target} STATIC ${objects} ${generated})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${target} PUBLIC ${folder})
  target_link_libraries(${target} PUBLIC lpgen::abi)
endfunction()
