/*
 * webfile.h - files for a web server, below a folder
 *
 * A file is written beside the old one, made durable, and renamed: whoever asks
 * the web server sees the old or the new. A folder that is a link is refused:
 * the web server's account may own what is above it.
 */
#ifndef WEBFILE_H
#define WEBFILE_H

#include <stdbool.h>
#include <stddef.h>

/* The folder that all is below, made (0755) if need be; -1: errno. */
int webfile_root(char const *path);

/* The same of one below fd; a path of several names is made whole. */
int webfile_folder(int fd, char const *path);

/* False: errno; the old file is as it was. */
bool webfile_write(int fd, char const *name, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
