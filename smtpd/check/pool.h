/*
 * pool.h - who looks at which message: the sessions and workers of check
 *
 * A session is a pair whose other end an smtpd has; a worker a process that
 * looks at one message at a time, all of one session. A session with something
 * to read is handed to its worker (its pair goes over the worker's control
 * pair), which takes one message off it, answers, and says that it is idle
 * again. The pool itself reads nothing that a session sends.
 *
 * A worker that dies costs its message a 451, and nothing else; one that a
 * message has taken over sees no other client's. It is sent home with its
 * session, when it has served so many messages, works by old settings, or has
 * nothing to do while its place is needed.
 */
#ifndef POOL_H
#define POOL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Sessions that may wait or be served at once; workers at most. */
#define POOL_SESSIONS_MAX 2000u
#define POOL_WORKERS_MAX 1000u

struct pool_worker {
	pid_t pid;	 /* 0: nobody */
	int fd;		 /* control */
	int session;	 /* whose message it looks at; -1: idle */
	uint64_t number; /* of the session that it was hired for */
	unsigned messages;
	unsigned generation;
	time_t since; /* when it got its message, or became idle */
};

struct pool {
	/* -1: free. */
	int sessions[POOL_SESSIONS_MAX];
	bool is_busy[POOL_SESSIONS_MAX];
	uint64_t numbers[POOL_SESSIONS_MAX], last_number;
	struct pool_worker workers[POOL_WORKERS_MAX];
	size_t session_top, worker_top; /* nothing is in use from there on */
	size_t turn;			/* who comes first next */
	unsigned generation;
	/* Of the settings. */
	size_t workers_max;
	unsigned messages_max; /* of one worker */
	time_t busy_max;       /* seconds; who takes longer is killed */
	/* In a new process: close what is not the worker's, and serve. */
	int (*work)(void *data, int control_fd);
	void *data;
};

void pool_init(
	struct pool *p, int (*work)(void *data, int control_fd), void *data);

/* A new session; pair is the pool's then. False: there is no place. */
bool pool_add(struct pool *p, int pair) __attribute__((warn_unused_result));

/* Workers forked so far work by old settings: none gets a message anymore. */
void pool_renew(struct pool *p);

/* Fill in what is waited for; polls has room for POOL_POLLS_MAX. Returns how
 * many, and in *timeout_ms (which is kept if it is less) when to look again. */
#define POOL_POLLS_MAX (POOL_SESSIONS_MAX + POOL_WORKERS_MAX)
size_t pool_polls(struct pool *p, struct pollfd *polls, int *timeout_ms);

/* After poll, which said ready (0: time is over). */
void pool_hear(struct pool *p, struct pollfd const *polls, size_t count);

/* In a child: close all that is the pool's. */
void pool_leave(struct pool const *p);

/* What a worker says when it is idle again: the session goes on, or is over. */
#define POOL_GOES_ON 'd'
#define POOL_IS_OVER 'x'

#endif
