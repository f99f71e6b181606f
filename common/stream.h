/*
 * stream.h - lines and blocks to and from one peer, in the clear or under TLS
 *
 * What a protocol program talks through: over the network's socket, over a
 * pair of pipes, or on a terminal. Blocking for the caller, with a time limit
 * on every wait; non-blocking underneath. No allocation: the struct is the
 * whole of it (declare it static: untouched pages cost nothing).
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Room for a line of 12,288 octets (RFC 4954 4), a command's name before it. */
#define STREAM_IN 12416
#define STREAM_OUT 8192
/* How long stream_close waits for the peer to close. */
#define STREAM_LINGER_MS 2000

struct tls;
struct stream;

/*
 * What may lie between the stream and its descriptors (TLS: common/tls.h).
 * Through pointers, so that a program without TLS contains none. read and write
 * are as on a non-blocking socket: at EAGAIN *events_r says what to wait for
 * (POLLIN on in_fd, POLLOUT on out_fd). flush sends what write has taken.
 * close says goodbye, waiting at most STREAM_LINGER_MS.
 */
struct stream_layer {
	ssize_t (*read)(
		struct stream *s, char *data, size_t max, short *events_r);
	ssize_t (*write)(struct stream *s, char const *data, size_t len,
		short *events_r);
	bool (*flush)(struct stream *s, short *events_r);
	void (*close)(struct stream *s);
};

struct stream {
	int in_fd, out_fd;		  /* the same for a socket */
	struct tls *tls;		  /* NULL: in the clear */
	struct stream_layer const *layer; /* NULL: in the clear */
	int timeout_ms;			  /* of each wait for the peer */
	/*
	 * Sticky: errno of the first failure that left the connection useless,
	 * else 0. A wait for input that ended in ETIMEDOUT or ECANCELED is not
	 * kept: a last answer can still be written.
	 */
	int error;
	bool at_end;	  /* the peer has closed its side */
	bool is_terminal; /* left blocking: a shell shares it */
	/* Set by the program (a signal handler, say) or NULL: when *stop is
	 * not 0, a wait for input ends with ECANCELED. With stop set, waits
	 * let every signal through (ppoll): block the signals that set it, and
	 * none comes between the look and the wait. */
	int const volatile *stop;
	/* -1, or a descriptor of somebody on whose behalf we talk: when it
	 * hangs up, every wait ends with ECANCELED. */
	int hangup_fd;
	size_t in_start, in_end;
	size_t out_len;
	char in[STREAM_IN];
	char out[STREAM_OUT];
};

/*
 * fds stay the caller's; set non-blocking here (a terminal is left as it is).
 * Sets TCP_NODELAY on sockets, and SIGPIPE to be ignored: a write to a peer who
 * is gone is an error, not the end of the program.
 */
void stream_init(struct stream *s, int in_fd, int out_fd, int timeout_ms);

/*
 * Wait until unread input is there: s->in[in_start..in_end). Pending output is
 * flushed before it waits. With unread input already there, reads more behind
 * it.
 * 1 got some, 0 the peer has closed, -1 failed (errno: ETIMEDOUT, ECANCELED,
 * ENOBUFS when the buffer is full of unread input, EPROTO for TLS failures).
 */
int stream_fill(struct stream *s) __attribute__((warn_unused_result));

/*
 * The next line, its LF or CRLF not included; points into the buffer until the
 * next call. *crlf_r says whether it ended in CRLF (may be NULL). The time
 * limit is that of the whole line.
 * 1 a line; 0 the peer has closed (an unfinished line is dropped); -1 failed;
 * errno E2BIG: longer than max octets, nothing of it is consumed (see
 * stream_skip_line). max is at most STREAM_IN - 2.
 */
int stream_line(struct stream *s, size_t max, char const **line_r,
	size_t *len_r, bool *crlf_r) __attribute__((warn_unused_result));

/* Read and drop up to the next LF. As stream_line. */
int stream_skip_line(struct stream *s) __attribute__((warn_unused_result));

/* Unread octets that are here already (pipelining). */
size_t stream_pending(struct stream const *s);

/* Append to the output; sent when the buffer is full, by stream_flush, or
 * before the next wait for input. False: s->error (ETIMEDOUT: the peer took
 * nothing for timeout_ms). */
bool stream_write(struct stream *s, char const *data, size_t len);
bool stream_puts(struct stream *s, char const *text);
bool stream_flush(struct stream *s);

/* close_notify under TLS, shutdown of the sending side, then up to two seconds
 * for the peer to close, else a reset could eat the last answer. */
void stream_close(struct stream *s);

/*
 * For layers: wait for events (POLLIN on in_fd, POLLOUT on out_fd) until
 * deadline_ms on stream_clock_ms. False: errno (ETIMEDOUT; ECANCELED if *stop
 * while waiting for POLLIN alone, or if hangup_fd hangs up).
 */
bool stream_wait(struct stream *s, short events, int64_t deadline_ms)
	__attribute__((warn_unused_result));
int64_t stream_clock_ms(void);

#endif
