/* A compressed connection; see deflate.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "imapd/deflate.h"

#define BLOCK 4096
/* Mail is short and repeats itself: a small window costs little, and with it
 * the memory of an idle connection stays small. */
#define LEVEL 1
#define OUT_WINDOW (-13)
#define OUT_MEMORY 5
/* The client chooses its own. */
#define IN_WINDOW (-15)

static struct {
	z_stream in, out;
	bool started;
	bool more;  /* inflate has been stopped by a full buffer */
	bool dirty; /* deflate holds what has to go out */
	unsigned char packed_in[BLOCK], packed_out[BLOCK];
	size_t out_start, out_end; /* of packed_out: not sent yet */
} z;

bool
deflate_pending(void)
{
	return z.started && (z.more || z.in.avail_in > 0);
}

/* 1 there is input, 0 the end, -1 errno. */
static int
fill(struct stream *s)
{
	ssize_t r;

	do
		r = read(s->in_fd, z.packed_in, sizeof z.packed_in);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return (int)r;
	z.in.next_in = z.packed_in;
	z.in.avail_in = (uInt)r;
	return 1;
}

static ssize_t
layer_read(struct stream *s, char *data, size_t max, short *events_r)
{
	*events_r = POLLIN;
	for (;;) {
		int r = z.more || z.in.avail_in > 0 ? 1 : fill(s);

		if (r <= 0)
			return r;
		z.in.next_out = (unsigned char *)data;
		z.in.avail_out = (uInt)max;
		r = inflate(&z.in, Z_SYNC_FLUSH);
		z.more = z.in.avail_out == 0;
		if (z.in.avail_out < max)
			return (ssize_t)(max - z.in.avail_out);
		/* Its end is the end of what the client can say. */
		if (r == Z_STREAM_END)
			return 0;
		if (r != Z_OK && r != Z_BUF_ERROR) {
			errno = EPROTO;
			return -1;
		}
	}
}

/* False: errno, EAGAIN. */
static bool
drain(struct stream *s, short *events_r)
{
	*events_r = POLLOUT;
	while (z.out_start < z.out_end) {
		ssize_t const r = write(s->out_fd, z.packed_out + z.out_start,
			z.out_end - z.out_start);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return false;
		z.out_start += (size_t)r;
	}
	z.out_start = z.out_end = 0;
	return true;
}

/* Into the empty packed_out. */
static void
pack(int flush)
{
	z.out.next_out = z.packed_out;
	z.out.avail_out = sizeof z.packed_out;
	(void)deflate(&z.out, flush);
	z.out_end = sizeof z.packed_out - z.out.avail_out;
}

static ssize_t
layer_write(struct stream *s, char const *data, size_t len, short *events_r)
{
	unsigned char chunk[BLOCK];
	size_t const n = len < sizeof chunk ? len : sizeof chunk;

	if (!drain(s, events_r))
		return -1;
	/* zlib takes no pointer to const. */
	memcpy(chunk, data, n);
	z.out.next_in = chunk;
	z.out.avail_in = (uInt)n;
	pack(Z_NO_FLUSH);
	z.dirty = true;
	return (ssize_t)(n - z.out.avail_in);
}

static bool
layer_flush(struct stream *s, short *events_r)
{
	while (drain(s, events_r)) {
		if (!z.dirty)
			return true;
		z.out.avail_in = 0;
		pack(Z_SYNC_FLUSH);
		/* Room was left: that was all. */
		z.dirty = z.out.avail_out == 0;
	}
	return false;
}

static void
layer_close(struct stream *s)
{
	(void)s;
}

static struct stream_layer const layer = {
	.read = layer_read,
	.write = layer_write,
	.flush = layer_flush,
	.close = layer_close,
};

bool
deflate_start(struct stream *s)
{
	memset(&z, 0, sizeof z);
	if (deflateInit2(&z.out, LEVEL, Z_DEFLATED, OUT_WINDOW, OUT_MEMORY,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	if (inflateInit2(&z.in, IN_WINDOW) != Z_OK) {
		deflateEnd(&z.out);
		return false;
	}
	/* Commands in the clear that came behind it could be somebody else's.
	 */
	s->in_start = s->in_end = 0;
	s->layer = &layer;
	z.started = true;
	return true;
}
