# Run by `cmake --install`: manual pages and completions, as the programs print them. `programs` are
# those of the build folder.
get_filename_component(prefix "${CMAKE_INSTALL_PREFIX}" ABSOLUTE)
set(share "$ENV{DESTDIR}${prefix}/share")

function(print_into file)
  get_filename_component(folder "${share}/${file}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  message(STATUS "Printing: ${share}/${file}")
  execute_process(COMMAND ${ARGN} OUTPUT_FILE "${share}/${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

foreach(program IN LISTS programs)
  get_filename_component(name "${program}" NAME)
  if(name STREQUAL winnow)
    print_into(man/man1/winnow.1 "${program}" man)
    print_into(bash-completion/completions/winnow "${program}" completion bash)
    print_into(zsh/vendor-completions/_winnow "${program}" completion zsh)
    print_into(fish/vendor_completions.d/winnow.fish "${program}" completion fish)
  else()
    print_into(man/man1/${name}.1 "${program}" --man)
  endif()
endforeach()
