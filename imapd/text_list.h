/*
 * text_list.h - which segments a text index has: the file `kereru-text`
 *
 * Written anew and renamed, so that a crash leaves the old list or the new
 * one; segments that are in neither are removed by the next who builds.
 */
#ifndef TEXT_LIST_H
#define TEXT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_LIST_FILE "kereru-text"
#define TEXT_SEGMENTS_MAX 64
#define TEXT_NAME_MAX 32

struct text_list {
	uint32_t next; /* number of the next segment */
	uint32_t count;
	uint32_t numbers[TEXT_SEGMENTS_MAX];
};

/* The name of a segment's file. */
void text_list_name(uint32_t number, char out[TEXT_NAME_MAX]);

/* Read the list. False: there is none that can be believed. */
bool text_list_read(int dir_fd, struct text_list *list_r)
	__attribute__((warn_unused_result));

/* False: errno. */
bool text_list_write(int dir_fd, struct text_list const *list)
	__attribute__((warn_unused_result));

/* Remove files of segments that are not in the list. */
void text_list_clean(int dir_fd, struct text_list const *list);

/* The lock of those who build. False: another has it, or errno. */
bool text_list_lock(int dir_fd, int *lock_r)
	__attribute__((warn_unused_result));

#endif
