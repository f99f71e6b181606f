/* What changed in a folder; see journal.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>

#include "common/crc32c.h"
#include "imapd/journal.h"

#define MAGIC "KRLOG\n\0\1"
#define BLOCK 65536
#define TEXT_MAX 512

struct header {
	char magic[8];
	uint32_t crc; /* of what follows */
	uint32_t validity;
	uint64_t generation, previous, previous_end;
};

struct record {
	uint32_t crc; /* of what follows, the text too */
	uint16_t len; /* of the text, behind which it is filled up to 8 */
	uint8_t type, bits;
	uint32_t uid, extra;
	uint64_t modseq;
};

static uint32_t
header_crc(struct header const *h)
{
	size_t const at = offsetof(struct header, validity);

	return crc32c(0, (char const *)h + at, sizeof *h - at);
}

static size_t
padded(size_t len)
{
	return (len + 7) / 8 * 8;
}

int
journal_open(struct journal *j, int folder_fd)
{
	struct header h;
	struct stat st;

	*j = (struct journal)JOURNAL_ZERO;
	j->fd = openat(folder_fd, JOURNAL_FILE,
		O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (j->fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	if (fstat(j->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		pread(j->fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
		memcmp(h.magic, MAGIC, sizeof h.magic) != 0 ||
		h.crc != header_crc(&h) || h.generation == 0) {
		journal_close(j);
		return 0;
	}
	j->validity = h.validity;
	j->generation = h.generation;
	j->previous = h.previous;
	j->previous_end = h.previous_end;
	j->pos = sizeof h;
	return 1;
}

void
journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	*j = (struct journal)JOURNAL_ZERO;
}

/* The record at s[0..len): its octets, 0 if there is none that is whole. */
static size_t
get(char const *s, size_t len, struct journal_record *r_r)
{
	size_t const skip = sizeof(uint32_t);
	struct record r;
	size_t size;

	if (len < sizeof r)
		return 0;
	memcpy(&r, s, sizeof r);
	size = sizeof r + padded(r.len);
	if (r.len > TEXT_MAX || size > len ||
		r.crc != crc32c(0, s + skip, size - skip))
		return 0;
	*r_r = (struct journal_record){.type = (enum journal_type)r.type,
		.bits = r.bits,
		.uid = r.uid,
		.extra = r.extra,
		.modseq = r.modseq,
		.text = s + sizeof r,
		.text_len = r.len};
	return size;
}

bool
journal_read(struct journal *j,
	bool (*found)(void *data, struct journal_record const *r), void *data)
{
	static _Alignas(8) char block[BLOCK];
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return false;
	if ((uint64_t)st.st_size < j->pos) {
		errno = EBADMSG;
		return false;
	}
	for (;;) {
		ssize_t const n =
			pread(j->fd, block, sizeof block, (off_t)j->pos);
		struct journal_record r;
		size_t at = 0, size;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		while ((size = get(block + at, (size_t)n - at, &r)) > 0) {
			if (!found(data, &r))
				return true;
			at += size;
			j->pos += size;
		}
		if (at == (size_t)n && n < BLOCK)
			return true;
		/* A record at the end of the block is read again whole. */
		if (at == 0 || n < BLOCK) {
			errno = EBADMSG;
			return false;
		}
	}
}

bool
journal_has_more(struct journal const *j)
{
	struct stat st;

	return j->fd >= 0 && (fstat(j->fd, &st) < 0 || st.st_nlink == 0 ||
				     (uint64_t)st.st_size != j->pos);
}

bool
journal_is_replaced(struct journal const *j)
{
	struct stat st;

	return fstat(j->fd, &st) < 0 || st.st_nlink == 0;
}

static bool
set_lock(int fd, short type)
{
	struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

	/* Of the descriptor, not of the process: another mailbox of this
	 * process may be the same folder. */
	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return true;
	return errno == EINVAL && fcntl(fd, F_SETLK, &whole) == 0;
}

bool
journal_lock(struct journal *j)
{
	long waited_us = 0, pause_us = 50;

	while (!set_lock(j->fd, F_WRLCK)) {
		struct timespec const t = {.tv_nsec = pause_us * 1000};

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		if (waited_us >= JOURNAL_WAIT_MS * 1000L) {
			errno = EAGAIN;
			return false;
		}
		nanosleep(&t, NULL);
		waited_us += pause_us;
		pause_us = pause_us < 10000 ? pause_us * 2 : pause_us;
	}
	j->locked = true;
	return true;
}

void
journal_unlock(struct journal *j)
{
	if (j->locked)
		(void)set_lock(j->fd, F_UNLCK);
	j->locked = false;
}

bool
journal_put(stralloc *sa, struct journal_record const *r)
{
	size_t const size = sizeof(struct record) + padded(r->text_len);
	struct record out = {.len = (uint16_t)r->text_len,
		.type = (uint8_t)r->type,
		.bits = (uint8_t)r->bits,
		.uid = r->uid,
		.extra = r->extra,
		.modseq = r->modseq};
	char *s;

	if (r->text_len > TEXT_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	if (!stralloc_readyplus(sa, size))
		return false;
	s = sa->s + sa->len;
	memset(s, 0, size);
	memcpy(s, &out, sizeof out);
	if (r->text_len > 0)
		memcpy(s + sizeof out, r->text, r->text_len);
	out.crc = crc32c(0, s + sizeof out.crc, size - sizeof out.crc);
	memcpy(s, &out.crc, sizeof out.crc);
	sa->len += size;
	return true;
}

static bool
write_at(int fd, char const *s, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t const n = pwrite(fd, s, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

bool
journal_append(struct journal *j, char const *s, size_t len)
{
	if (!write_at(j->fd, s, len, j->pos)) {
		int const error = errno;

		/* If that fails too, the next to read it finds it damaged. */
		(void)!ftruncate(j->fd, (off_t)j->pos);
		errno = error;
		return false;
	}
	j->pos += len;
	return true;
}

bool
journal_create(struct journal *j_r, int folder_fd, uint32_t validity,
	struct journal const *old, char *name_r)
{
	struct header h = {.validity = validity,
		.previous = old->fd >= 0 ? old->generation : 0,
		.previous_end = old->fd >= 0 ? old->pos : 0};
	int error;

	memcpy(h.magic, MAGIC, sizeof h.magic);
	do
		randombytes_buf(&h.generation, sizeof h.generation);
	while (h.generation == 0);
	h.crc = header_crc(&h);
	(void)snprintf(name_r, 64, JOURNAL_FILE ".%016llx",
		(unsigned long long)h.generation);
	*j_r = (struct journal){.validity = validity,
		.generation = h.generation,
		.previous = h.previous,
		.previous_end = h.previous_end,
		.pos = sizeof h,
		.fd = openat(folder_fd, name_r,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600)};
	if (j_r->fd < 0)
		return false;
	if (write_at(j_r->fd, (char const *)&h, sizeof h, 0) &&
		journal_lock(j_r))
		return true;
	error = errno;
	(void)unlinkat(folder_fd, name_r, 0);
	journal_close(j_r);
	errno = error;
	return false;
}

bool
journal_publish(int folder_fd, char const *name, bool replace)
{
	bool const ok = replace ? renameat(folder_fd, name, folder_fd,
					  JOURNAL_FILE) == 0
				: linkat(folder_fd, name, folder_fd,
					  JOURNAL_FILE, 0) == 0;
	int const error = errno;

	if (!ok || !replace)
		(void)unlinkat(folder_fd, name, 0);
	errno = error;
	return ok;
}
