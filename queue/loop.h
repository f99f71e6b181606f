/*
 * loop.h - one epoll for all that the manager waits on
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Lives inside its owner; stays valid until loop_forget and the end of the
 * events that were fetched with it. */
struct loop_source {
	void (*ready)(void *data);
	void *data;
	int fd;
};

/* errno. */
bool loop_open(void) __attribute__((warn_unused_result));
bool loop_watch(struct loop_source *s) __attribute__((warn_unused_result));
/* Stop watching and close the descriptor. */
void loop_forget(struct loop_source *s);
/* Wait for at most timeout_ms and call what is ready. */
void loop_wait(int timeout_ms);

/*
 * For tests: a file, open for reading, whose text is the seconds by which our
 * clock is ahead of the kernel's; it is read again and again. fd is taken.
 */
void loop_move_clock(int fd);

/* Clocks, read once before and once after each wait. */
uint64_t loop_now_ms(void);   /* monotonic, for what processes do */
uint64_t loop_moved_ms(void); /* monotonic, for schedules: tests move it */
uint64_t loop_time_us(void);  /* since 1970 */
static inline uint64_t
loop_time(void)
{
	return loop_time_us() / 1000000;
}

#endif
