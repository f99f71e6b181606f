/*
 * fake_loop.h - the manager's loop with a clock that stands still
 *
 * Defines what queue/loop.h declares, so that the linker leaves loop.o out of
 * the archive: a test that includes this decides when time passes, and when
 * what is ready is called. For one file of a program.
 */
#ifndef FAKE_LOOP_H
#define FAKE_LOOP_H

#include <poll.h>
#include <stddef.h>
#include <unistd.h>
#include "queue/loop.h"

#define FAKE_SOURCES_MAX 512

static struct loop_source *fake_sources[FAKE_SOURCES_MAX];
static size_t fake_source_count;
static uint64_t fake_ms = 1000000;

bool
loop_open(void)
{
	return true;
}

bool
loop_watch(struct loop_source *s)
{
	if (fake_source_count == FAKE_SOURCES_MAX)
		return false;
	fake_sources[fake_source_count++] = s;
	return true;
}

void
loop_forget(struct loop_source *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	for (size_t i = 0; i < fake_source_count; i++)
		if (fake_sources[i] == s)
			fake_sources[i] = fake_sources[--fake_source_count];
}

/* Calls one source that is ready, the latest first. */
static bool
fake_loop_step(int timeout_ms)
{
	for (size_t i = fake_source_count; i-- > 0;) {
		struct pollfd p = {fake_sources[i]->fd, POLLIN, 0};
		if (poll(&p, 1, timeout_ms) <= 0)
			continue;
		fake_sources[i]->ready(fake_sources[i]->data);
		return true;
	}
	return false;
}

void
loop_wait(int timeout_ms)
{
	while (fake_loop_step(timeout_ms))
		timeout_ms = 0;
}

uint64_t
loop_moved_ms(void)
{
	return fake_ms;
}

uint64_t
loop_now_ms(void)
{
	return fake_ms;
}

uint64_t
loop_time_us(void)
{
	return 1700000000000000 + fake_ms * 1000;
}

#endif
