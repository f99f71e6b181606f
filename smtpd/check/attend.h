/*
 * attend.h - what the helpers of check have in common
 *
 * bayes and hook are servers forked from check: over their control pair come
 * newer settings (one octet `s` and the descriptor of settings.cdb), over the
 * other one requests of processes that look at messages, each a frame with two
 * descriptors: what the request is about, and a pair for the answer.
 */
#ifndef ATTEND_H
#define ATTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "common/table.h"

struct attend {
	int control_fd, requests_fd;
	struct table settings; /* the newest */
	bool is_new;	       /* they have just come; the caller resets it */
};

/*
 * Wait for a request, timeout_ms at most (-1: for ever). 1: frame[0..*len_r),
 * about_fd_r and answer_fd_r are the caller's; 0: time is over, or settings
 * came; -1: check is gone.
 */
int attend_wait(struct attend *a, int timeout_ms, char *frame, size_t max,
	size_t *len_r, int *about_fd_r, int *answer_fd_r)
	__attribute__((warn_unused_result));

/* For check: hand newer settings over. False: errno. */
bool attend_settings(int control_fd, int settings_fd)
	__attribute__((warn_unused_result));

/*
 * For those who ask: send a request, wait for its answer, timeout_ms at most.
 * fd_r (or NULL) gets the descriptor that comes with it, or -1. Returns the
 * answer's length, -1 with errno.
 */
ssize_t attend_ask(int requests_fd, char const *frame, size_t len, int about_fd,
	int timeout_ms, char *answer, size_t max, int *fd_r)
	__attribute__((warn_unused_result));

/* The same in two steps: what attend_send returns (-1: errno) is for
 * attend_take, which closes it. */
int attend_send(int requests_fd, char const *frame, size_t len, int about_fd);
ssize_t attend_take(
	int answer_fd, int timeout_ms, char *answer, size_t max, int *fd_r);

/* A file without a name that holds s[0..len), its offset at the start; -1 with
 * errno. */
int attend_file(char const *s, size_t len) __attribute__((warn_unused_result));

#endif
