/*
 * mapguard.h - maps of files that others may cut off
 *
 * Whoever cuts a file off under a map has the next look at it end the program
 * by SIGBUS. A look into a map that is guarded finds octets of 0 instead, from
 * that page to the map's end, and the map says that it is torn. So what has
 * been read from it must be sound whatever the octets are, and is believed if
 * the map is whole afterwards.
 *
 * One table for the process, which has one thread; other SIGBUS stay what they
 * are.
 */
#ifndef MAPGUARD_H
#define MAPGUARD_H

#include <stdbool.h>
#include <stddef.h>

#define MAPGUARD_MAX 128

/* Guard a map of len octets that is only read. False: there are too many. */
bool mapguard_add(void *map, size_t len) __attribute__((warn_unused_result));

/* Has everything that was looked at been the file's? True of a map that is not
 * guarded. */
bool mapguard_is_whole(void const *map);

/* Before munmap; of a map that is not guarded nothing happens. */
void mapguard_remove(void const *map);

#endif
