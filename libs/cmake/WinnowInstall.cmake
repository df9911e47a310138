# What `cmake --install` and `cpack` put where. Everything below the prefix is relocatable: programs
# find share/winnow beside their bin folder. Components: programs, models, data (what a person copies
# or feeds to other tools), documents, and debian (what only the .deb has).
include(GNUInstallDirs)

set(stages validator privacy-blurrer deduper balancer sink)
set(package ${CMAKE_SOURCE_DIR}/deploy/package)

set(programs winnow)
foreach(stage IN LISTS stages)
  list(APPEND programs winnow-${stage})
endforeach()
install(TARGETS ${programs} RUNTIME DESTINATION bin COMPONENT programs)

# The folder of the source tree first: files that are right there need no network.
install(CODE "
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/deploy/models/install ${CMAKE_SOURCE_DIR}/build/models
    RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR \"no detector models to install: see above\")
  endif()" COMPONENT models)
file(READ ${CMAKE_SOURCE_DIR}/deploy/models/models.json models_json)
string(JSON count LENGTH ${models_json} models)
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
  string(JSON model GET ${models_json} models ${i} file)
  install(FILES ${CMAKE_SOURCE_DIR}/build/models/${model} DESTINATION share/winnow/models
    COMPONENT models)
endforeach()

set(deploy ${CMAKE_SOURCE_DIR}/deploy)
install(FILES ${deploy}/topics.yaml DESTINATION share/winnow COMPONENT data)
install(FILES ${deploy}/examples/quickstart.yaml ${deploy}/examples/retail-shelf.yaml
  ${deploy}/examples/street-fleet.yaml DESTINATION share/winnow/examples COMPONENT data)
foreach(stage IN LISTS stages)
  install(FILES ${deploy}/services/${stage}.yaml DESTINATION share/winnow/services COMPONENT data)
endforeach()
install(FILES ${deploy}/prometheus/prometheus.yml ${deploy}/prometheus/rules.yml
  DESTINATION share/winnow/prometheus COMPONENT data)
install(DIRECTORY ${deploy}/grafana/dashboards ${deploy}/grafana/provisioning
  DESTINATION share/winnow/grafana COMPONENT data
  FILES_MATCHING PATTERN "*.json" PATTERN "*.yaml" PATTERN "*.yml")

# Printed by the programs themselves.
set(program_files)
foreach(program IN LISTS programs)
  list(APPEND program_files "$<TARGET_FILE:${program}>")
endforeach()
install(CODE "set(programs \"${program_files}\")" COMPONENT documents)
install(SCRIPT ${package}/print_documents.cmake COMPONENT documents)
install(FILES ${package}/README.md ${package}/copyright ${deploy}/runbook.md
  DESTINATION share/doc/winnow COMPONENT documents)

include(WinnowPackage)
