# One library per room, so that an arrow which is not declared does not link.
#
#   bhype_room(NAME [DEPENDS ROOM...] [LIBS TARGET...])
#
# takes every .cpp of src/NAME; *_test.cpp become the program NAME_test, registered with CTest, which is part of the build
# with sanitizers, where ./dev test runs it, and of another only when it is asked for by name;
# *_freebsd.cpp and *_linux.cpp are compiled on their own system alone.

set(BHYPE_OTHER_SYSTEM "_linux")
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(BHYPE_OTHER_SYSTEM "_freebsd")
endif()

function(bhype_sources OUT DIRECTORY)
    file(GLOB FOUND CONFIGURE_DEPENDS ${DIRECTORY}/*.cpp)
    list(FILTER FOUND EXCLUDE REGEX "_test\\.cpp$")
    list(FILTER FOUND EXCLUDE REGEX "${BHYPE_OTHER_SYSTEM}\\.cpp$")
    set(${OUT} ${FOUND} PARENT_SCOPE)
endfunction()

function(bhype_room NAME)
    cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBS" ${ARGN})
    bhype_sources(SOURCES ${CMAKE_CURRENT_SOURCE_DIR})
    set(TARGET bhype_${NAME})
    add_library(${TARGET} STATIC ${SOURCES})
    set_target_properties(${TARGET} PROPERTIES LINKER_LANGUAGE CXX)
    foreach(ROOM_NAME ${ROOM_DEPENDS})
        if(NOT TARGET bhype_${ROOM_NAME})
            message(FATAL_ERROR "room ${NAME} depends on ${ROOM_NAME}, which is missing or comes after it")
        endif()
        target_link_libraries(${TARGET} PUBLIC bhype_${ROOM_NAME})
    endforeach()
    target_link_libraries(${TARGET} PUBLIC bhype_flags ${ROOM_LIBS})

    file(GLOB TESTS CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
    if(TESTS AND BHYPE_TESTS)
        add_executable(${NAME}_test ${TESTS})
        target_link_libraries(${NAME}_test PRIVATE ${TARGET} GTest::gmock GTest::gtest_main)
        target_compile_definitions(${NAME}_test PRIVATE
            BHYPE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" BHYPE_BINARY_DIR="${CMAKE_BINARY_DIR}")
        if(NOT BHYPE_SANITIZE)
            set_target_properties(${NAME}_test PROPERTIES EXCLUDE_FROM_ALL ON)
        endif()
        add_test(NAME ${NAME} COMMAND ${NAME}_test)
    endif()
endfunction()
