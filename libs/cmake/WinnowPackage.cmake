# The .deb: `cpack` in the build folder, or the target `package`, which builds everything first.
# Included by WinnowInstall, whose `package` and `stages` it uses. deploy/package/README.md tells what
# is in it.

# What differs between the units. The raw zone has a user of its own; the blurrer stands between the
# zones and is let into the safe one by its group.
set(validator_text "images.raw to images.valid")
set(validator_user winnow-raw)
set(validator_place "ReadWritePaths=/var/lib/winnow/blobs/raw
InaccessiblePaths=-/var/lib/winnow/blobs/safe -/var/lib/winnow/dataset")
set(privacy-blurrer_text "images.valid to images.safe")
set(privacy-blurrer_user winnow-raw)
set(privacy-blurrer_place "SupplementaryGroups=winnow
ReadWritePaths=/var/lib/winnow/blobs/raw /var/lib/winnow/blobs/safe
InaccessiblePaths=-/var/lib/winnow/dataset")
set(deduper_text "images.safe to images.unique")
set(deduper_user winnow)
set(deduper_place "StateDirectory=winnow/deduper
StateDirectoryMode=0750
ReadWritePaths=/var/lib/winnow/blobs/safe
InaccessiblePaths=-/var/lib/winnow/blobs/raw")
set(balancer_text "images.unique to images.selected")
set(balancer_user winnow)
set(balancer_place "StateDirectory=winnow/balancer
StateDirectoryMode=0750
ReadWritePaths=/var/lib/winnow/blobs/safe
InaccessiblePaths=-/var/lib/winnow/blobs/raw")
set(sink_text "images.selected to shards of the dataset")
set(sink_user winnow)
set(sink_place "ReadWritePaths=/var/lib/winnow/dataset /var/lib/winnow/blobs/safe
InaccessiblePaths=-/var/lib/winnow/blobs/raw")

# Settings as deploy/services has them, but where the package keeps things.
function(winnow_package_settings stage)
  set(source ${CMAKE_SOURCE_DIR}/deploy/services/${stage}.yaml)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} settings)
  string(REPLACE "/var/lib/winnow/${stage}-0" "/var/lib/winnow/${stage}" settings "${settings}")
  string(REPLACE "/usr/local/share" "/usr/share" settings "${settings}")
  file(CONFIGURE OUTPUT package/${stage}.yaml CONTENT "${settings}" @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/package/${stage}.yaml DESTINATION /etc/winnow
    COMPONENT debian EXCLUDE_FROM_ALL)
endfunction()

foreach(stage IN LISTS stages)
  set(text ${${stage}_text})
  set(user ${${stage}_user})
  set(place "${${stage}_place}")
  configure_file(${package}/stage.service.in
    ${CMAKE_BINARY_DIR}/package/winnow-${stage}.service @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/package/winnow-${stage}.service
    DESTINATION /lib/systemd/system COMPONENT debian EXCLUDE_FROM_ALL)
  winnow_package_settings(${stage})
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/deploy/examples/quickstart.yaml DESTINATION /etc/winnow
  RENAME spec.yaml COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${package}/winnow.env DESTINATION /etc/winnow COMPONENT debian EXCLUDE_FROM_ALL
  PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(FILES ${package}/80-winnow.preset DESTINATION /lib/systemd/system-preset
  COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${package}/changelog DESTINATION share/doc/winnow
  COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${package}/lintian-overrides DESTINATION share/lintian/overrides RENAME winnow
  COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_SOURCE_GENERATOR "")
set(CPACK_PACKAGE_NAME winnow)
set(CPACK_PACKAGE_CONTACT "Winnow maintainers <maintainers@winnow.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "turns image streams into training-ready datasets")
set(CPACK_STRIP_FILES TRUE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${package}/compress.cmake)
# One package of all components.
set(CPACK_COMPONENTS_ALL programs models data documents debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS prometheus)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${package}/scripts/conffiles ${package}/scripts/postinst
  ${package}/scripts/prerm ${package}/scripts/postrm)
file(READ ${package}/description CPACK_DEBIAN_PACKAGE_DESCRIPTION)
string(REGEX REPLACE "\n+$" "" CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "${CPACK_DEBIAN_PACKAGE_DESCRIPTION}")
include(CPack)
