/*
 * stream.h - a buffered connection to a peer, in the clear or over TLS
 *
 * One for every program that talks a line protocol: on a socket, on a pair of
 * pipes, or on a terminal. Blocking for the caller, with a time limit on every
 * wait; non-blocking underneath. No allocation: the struct is the whole of it
 * (declare it static: untouched pages cost nothing).
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_IN 8192
#define STREAM_OUT 8192

struct tls;

struct stream {
	int in_fd, out_fd; /* the same for a socket */
	struct tls *tls;   /* NULL: in the clear */
	int timeout_ms;    /* of each wait for the peer */
	int error;         /* sticky: errno of the first failure, else 0 */
	bool at_end;       /* the peer has closed its side */
	/* Set by the program (a signal handler, say) or NULL: when *stop is
	 * not 0, a wait for input ends with ECANCELED. */
	volatile int const *stop;
	size_t in_start, in_end;
	size_t out_len;
	char in[STREAM_IN];
	char out[STREAM_OUT];
};

/* fds stay the caller's; set non-blocking here. Sets TCP_NODELAY on sockets. */
void stream_init(struct stream *s, int in_fd, int out_fd, int timeout_ms);

/*
 * Wait until unread input is there: s->in[in_start..in_end). Flushes pending
 * output first. With unread input already there, reads more behind it.
 * 1 got some, 0 the peer has closed, -1 failed (errno: ETIMEDOUT, ECANCELED,
 * ENOBUFS when the buffer is full of unread input, EPROTO for TLS failures).
 */
int stream_fill(struct stream *s) __attribute__((warn_unused_result));

/*
 * The next line, its LF or CRLF not included; points into the buffer until the
 * next call. *crlf_r says whether it ended in CRLF (may be NULL).
 * 1 a line; 0 the peer has closed (an unfinished line is dropped); -1 failed;
 * errno E2BIG: longer than max octets, its rest is still to be read (see
 * stream_skip_line).
 */
int stream_line(struct stream *s, size_t max, char const **line_r,
	size_t *len_r, bool *crlf_r) __attribute__((warn_unused_result));

/* Read and drop up to the next LF. As stream_line. */
int stream_skip_line(struct stream *s) __attribute__((warn_unused_result));

/* Unread octets that are here already (pipelining). */
size_t stream_pending(struct stream const *s);

/* Append to the output; sent when the buffer is full, by stream_flush, or
 * before the next wait for input. False: s->error. */
bool stream_write(struct stream *s, char const *data, size_t len);
bool stream_puts(struct stream *s, char const *text);
bool stream_flush(struct stream *s);

/* close_notify under TLS, shutdown of the sending side, then up to two seconds
 * for the peer to close, else a reset could eat the last answer. */
void stream_close(struct stream *s);

#endif
