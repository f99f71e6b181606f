/*
 * compile.h - the tables, made of a host's text files
 */
#ifndef COMPILE_H
#define COMPILE_H

#include "common/admin/fault.h"

/*
 * Read the text files in folder and replace the tables of its host, all or
 * none. Returns the exit code of `kereru compile`; what is wrong was told.
 */
int compile_tables(char const *folder) __attribute__((warn_unused_result));

#endif
