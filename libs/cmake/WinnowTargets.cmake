# One target per room. All functions take explicit source lists: no globs.
include_guard(GLOBAL)

find_program(WINNOW_CCACHE ccache)
if(WINNOW_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${WINNOW_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${WINNOW_CCACHE})
endif()

# Compiler settings and warnings, in one place.
add_library(winnow_options INTERFACE)
add_library(winnow::options ALIAS winnow_options)
target_compile_features(winnow_options INTERFACE cxx_std_20)
target_include_directories(winnow_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(winnow_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Wunused
  -Woverloaded-virtual -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
set(CMAKE_CXX_EXTENSIONS OFF)

# winnow_library(<room> SOURCES a.cc ... HEADERS a.h ... [PUBLIC libs] [PRIVATE libs])
# Target winnow_<room>, alias winnow::<room>. Every header is compiled alone to prove it is
# self-contained.
function(winnow_library room)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  set(probes)
  foreach(header IN LISTS ARG_HEADERS)
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${header})
    string(MAKE_C_IDENTIFIER ${path} name)
    set(probe ${CMAKE_CURRENT_BINARY_DIR}/self_contained/${name}.cc)
    file(GENERATE OUTPUT ${probe} CONTENT "#include \"${path}\"  // IWYU pragma: keep\n")
    list(APPEND probes ${probe})
  endforeach()
  # They are compiled for their errors alone.
  set_source_files_properties(${probes} PROPERTIES COMPILE_OPTIONS "-O0;-g0")
  add_library(winnow_${room} STATIC ${ARG_SOURCES} ${probes})
  add_library(winnow::${room} ALIAS winnow_${room})
  target_link_libraries(winnow_${room} PUBLIC winnow::options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# winnow_test(<name> LABEL unit SOURCES a_test.cc ... LIBS ...): one GoogleTest binary.
function(winnow_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE winnow::options ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  if(ARG_LABEL STREQUAL "kafka")
    winnow_broker_test(${name} TIMEOUT ${ARG_TIMEOUT} COMMAND $<TARGET_FILE:${name}>)
  else()
    add_test(NAME ${name} COMMAND ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "WINNOW_SHARED_DATA=$ENV{WINNOW_SHARED_DATA}")
endfunction()

# winnow_broker_test(<name> COMMAND ... [TIMEOUT seconds]): a test labelled kafka that finds the
# shared broker of tests/broker in WINNOW_KAFKA_BROKERS. One at a time: a broker and its clients
# fill the machine.
function(winnow_broker_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name}
    COMMAND ${CMAKE_SOURCE_DIR}/tests/broker/with_broker ${CMAKE_BINARY_DIR}/broker ${ARG_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS kafka TIMEOUT ${ARG_TIMEOUT}
    FIXTURES_REQUIRED kafka_broker RESOURCE_LOCK kafka_broker)
endfunction()

# winnow_benchmark(<name> SOURCES a_benchmark.cc LIBS ...): one Google Benchmark binary, not a test.
function(winnow_benchmark name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE winnow::options ${ARG_LIBS} benchmark::benchmark)
endfunction()

# winnow_fuzzer(<name> SOURCES a_fuzzer.cc LIBS ...): a libFuzzer binary under the fuzz preset;
# otherwise a program that runs the files it is given, so that the seeds are a regression test.
function(winnow_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(WINNOW_FUZZ)
    add_executable(${name} ${ARG_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc)
  endif()
  target_link_libraries(${name} PRIVATE winnow::options ${ARG_LIBS})
endfunction()
