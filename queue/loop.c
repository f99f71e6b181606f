/* One epoll for all that the manager waits on. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "queue/loop.h"

#define EVENTS_MAX 64

static int epoll_fd = -1;
static uint64_t now_ms, moved_ms, time_us;
/* What loop_wait is going through: a source that is forgotten meanwhile must
 * not be called. */
static struct epoll_event events[EVENTS_MAX];
static int event_count;

/* Tests move the clock by this file; -1: the clock is the kernel's. */
static int clock_fd = -1;
#define CLOCK_LOOK_MS 20

static uint64_t
seconds_ahead(void)
{
	char text[24];
	ssize_t n;

	if (clock_fd < 0)
		return 0;
	n = pread(clock_fd, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return strtoull(text, NULL, 10);
}

void
loop_move_clock(int fd)
{
	clock_fd = fd;
}

static void
read_clocks(void)
{
	uint64_t ahead = seconds_ahead();
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	clock_gettime(CLOCK_REALTIME, &t);
	time_us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	moved_ms = now_ms + ahead * 1000;
	time_us += ahead * 1000000;
}

bool
loop_open(void)
{
	read_clocks();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd >= 0;
}

bool
loop_watch(struct loop_source *s)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &e) == 0;
}

void
loop_forget(struct loop_source *s)
{
	if (s->fd < 0)
		return;
	/* A forked child may still hold the descriptor: closing alone would
	 * leave it watched. */
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	close(s->fd);
	s->fd = -1;
	for (int i = 0; i < event_count; i++)
		if (events[i].data.ptr == s)
			events[i].data.ptr = NULL;
}

void
loop_wait(int timeout_ms)
{
	int n;

	if (clock_fd >= 0 && timeout_ms > CLOCK_LOOK_MS)
		timeout_ms = CLOCK_LOOK_MS;
	n = epoll_wait(epoll_fd, events, EVENTS_MAX, timeout_ms);
	read_clocks();
	event_count = n > 0 ? n : 0;
	for (int i = 0; i < event_count; i++) {
		struct loop_source *s = events[i].data.ptr;
		if (s != NULL)
			s->ready(s->data);
	}
	event_count = 0;
}

uint64_t
loop_now_ms(void)
{
	return now_ms;
}

uint64_t
loop_moved_ms(void)
{
	return moved_ms;
}

uint64_t
loop_time_us(void)
{
	return time_us;
}
