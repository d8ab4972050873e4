/*
 * One fuzz_NAME.c per parser that meets bytes from outside, with its corpus in
 * corpus/NAME. With -Dfuzz=true (clang) it becomes a libFuzzer program; always, it is
 * linked with replay.c, which runs the corpus as an ordinary test: what a fuzzer once
 * found stays found. No files, no time, no output; every input is capped by the target.
 */
#ifndef BAILEY_TESTS_FUZZ_FUZZ_H
#define BAILEY_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
