/* How many sessions one host is given at a time: see place.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "remote/place.h"

/* An address has the first octet for who waits, then its places. */
#define WAIT_AT 0

bool
places_open(struct places *p, unsigned limit, int at)
{
	int fd;

	p->limit = limit > 0 ? limit : 1;
	p->mine = p->wanted = -1;
	randombytes_buf(p->key, sizeof p->key);
	p->fd = fd = memfd_create("places", MFD_CLOEXEC);
	if (fd < 0 || at < 0)
		return fd >= 0;
	p->fd = dup2(fd, at);
	close(fd);
	return p->fd >= 0;
}

static struct flock
octet(short type, off_t at)
{
	return (struct flock){.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1};
}

static bool
set(struct places const *p, short type, off_t at)
{
	struct flock l = octet(type, at);

	return fcntl(p->fd, F_SETLK, &l) == 0;
}

/* Where an address has its octets: senders choose addresses, not these. */
static off_t
base_of(struct places const *p, struct mx_address const *to, unsigned port)
{
	unsigned char text[sizeof to->s + 2];
	union {
		unsigned char octets[crypto_shorthash_BYTES];
		uint64_t n;
	} hash;

	memcpy(text, to->s, to->len);
	text[to->len] = (unsigned char)(port >> 8);
	text[to->len + 1] = (unsigned char)port;
	crypto_shorthash(hash.octets, text, to->len + 2, p->key);
	/* Less than 2^40 times 2^11: the limit is at most 1,000. */
	return (off_t)((hash.n & 0xffffffffffu) * (p->limit + 1));
}

bool
places_take(struct places *p, struct mx_address const *to, unsigned port)
{
	off_t base, at;

	if (p->fd < 0)
		return true;
	base = base_of(p, to, port);
	if (p->mine > base && p->mine <= base + (off_t)p->limit)
		return true;
	for (at = base + 1; at <= base + (off_t)p->limit; at++)
		if (set(p, F_WRLCK, at))
			break;
		else if (errno != EAGAIN && errno != EACCES)
			/* No memory for locks: better one session too many. */
			return true;
	if (at > base + (off_t)p->limit)
		return false;
	places_leave(p);
	p->mine = at;
	return true;
}

void
places_want(struct places *p, struct mx_address const *to, unsigned port)
{
	if (p->fd < 0)
		return;
	if (p->wanted >= 0)
		(void)set(p, F_UNLCK, p->wanted);
	p->wanted = to != NULL ? base_of(p, to, port) + WAIT_AT : -1;
	/* Several may wait. */
	if (p->wanted >= 0)
		(void)set(p, F_RDLCK, p->wanted);
}

bool
places_are_wanted(struct places const *p)
{
	off_t place = p->mine;
	struct flock l;

	if (p->fd < 0 || place < 0)
		return false;
	l = octet(F_WRLCK, place - place % (off_t)(p->limit + 1) + WAIT_AT);
	return fcntl(p->fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

void
places_leave(struct places *p)
{
	if (p->fd >= 0 && p->mine >= 0)
		(void)set(p, F_UNLCK, p->mine);
	p->mine = -1;
}
