/* Records by their place; see meta_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>

#include "common/crc32c.h"
#include "imapd/meta_file.h"

/* Read at a time: for one record, and for one after another. */
#define BLOCK_ONE 4096
#define BLOCK_MANY 262144
#define LOCK_TRIES 200

static bool
is_ours(int fd)
{
	char magic[META_MAGIC_LEN];
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
	       memcmp(magic, META_MAGIC, sizeof magic) == 0;
}

static void
open_file(struct meta_file *f, int folder_fd)
{
	if (f->tried)
		return;
	f->tried = true;
	f->block.len = 0;
	f->fd = openat(folder_fd, META_FILE,
		O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f->fd >= 0 && !is_ours(f->fd)) {
		close(f->fd);
		f->fd = -1;
	}
}

static void
close_file(struct meta_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->tried = false;
	f->block.len = 0;
}

void
meta_file_close(struct meta_file *f)
{
	close_file(f);
	stralloc_free(&f->block);
	stralloc_free(&f->out);
	stralloc_free(&f->places);
	stralloc_free(&f->scratch);
}

/* Have the octets from at on, len of them. */
static bool
have(struct meta_file *f, uint64_t at, size_t len, size_t ask)
{
	ssize_t n;

	if (at >= f->block_at && at - f->block_at <= f->block.len &&
		len <= f->block.len - (size_t)(at - f->block_at))
		return true;
	if (ask < len)
		ask = len;
	f->block.len = 0;
	if (!stralloc_ready(&f->block, ask))
		return false;
	do
		n = pread(f->fd, f->block.s, ask, (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	f->block_at = at;
	f->block.len = (size_t)n;
	return (size_t)n >= len;
}

bool
meta_file_get(struct meta_file *f, int folder_fd, uint32_t place,
	char const **s_r, size_t *len_r)
{
	uint64_t const at = (uint64_t)place * META_UNIT;
	size_t const ask = at == f->next ? BLOCK_MANY : BLOCK_ONE;
	struct meta_head h;
	char const *s;

	open_file(f, folder_fd);
	if (place == 0 || f->fd < 0 || !have(f, at, sizeof h, ask))
		return false;
	memcpy(&h, f->block.s + (at - f->block_at), sizeof h);
	if (!metarecord_is_head(&h) || !have(f, at, h.len, ask))
		return false;
	s = f->block.s + (at - f->block_at);
	if (!metarecord_is_whole(s, h.len))
		return false;
	f->next = at + h.len;
	*s_r = s;
	*len_r = h.len;
	return true;
}

bool
meta_file_put(struct meta_file *f, char *s, size_t len, uint32_t *offset_r)
{
	struct meta_head h = {.len = (uint32_t)len};

	if (len > META_RECORD_MAX || f->out.len > UINT32_MAX / 2)
		return false;
	memcpy(s, &h, sizeof h);
	h.crc = crc32c(0, s + sizeof h.crc, len - sizeof h.crc);
	memcpy(s, &h, sizeof h);
	*offset_r = (uint32_t)(f->out.len / META_UNIT);
	return stralloc_catb(&f->out, s, len);
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

/* Whoever closes the descriptor lets go of it. */
static bool
lock(int fd, short type)
{
	struct timespec const moment = {.tv_nsec = 1000000};

	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

		if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
			return true;
		if (errno == EINVAL && fcntl(fd, F_SETLK, &whole) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return false;
		nanosleep(&moment, NULL);
	}
	return false;
}

/* Make a file that has out behind its magic. */
static int
make_file(struct meta_file *f, int folder_fd)
{
	char name[64];
	int fd;

	(void)snprintf(name, sizeof name, META_FILE ".%08lx%08lx",
		(unsigned long)randombytes_random(),
		(unsigned long)randombytes_random());
	fd = openat(folder_fd, name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (write_at(fd, META_MAGIC, META_MAGIC_LEN, 0) &&
		write_at(fd, f->out.s, f->out.len, META_MAGIC_LEN) &&
		renameat(folder_fd, name, folder_fd, META_FILE) == 0)
		return fd;

	int const error = errno;

	(void)unlinkat(folder_fd, name, 0);
	close(fd);
	errno = error;
	return -1;
}

bool
meta_file_replace(struct meta_file *f, int folder_fd, uint32_t *place_r)
{
	int const fd = make_file(f, folder_fd);

	f->out.len = 0;
	if (fd < 0)
		return false;
	close_file(f);
	f->fd = fd;
	f->tried = true;
	*place_r = META_MAGIC_LEN / META_UNIT;
	return true;
}

/* Is the file that is open the one that has the name? */
static bool
is_current(struct meta_file const *f, int folder_fd)
{
	struct stat a, b;

	return f->fd >= 0 && fstat(f->fd, &a) == 0 &&
	       fstatat(folder_fd, META_FILE, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static bool
append(struct meta_file *f, uint32_t *place_r)
{
	struct stat st;
	uint64_t at;

	if (fstat(f->fd, &st) < 0)
		return false;
	at = ((uint64_t)st.st_size + META_UNIT - 1) / META_UNIT * META_UNIT;
	if (at < META_MAGIC_LEN || at / META_UNIT > UINT32_MAX / 2) {
		errno = EFBIG;
		return false;
	}
	if (!write_at(f->fd, f->out.s, f->out.len, at)) {
		int const error = errno;

		(void)!ftruncate(f->fd, st.st_size);
		errno = error;
		return false;
	}
	*place_r = (uint32_t)(at / META_UNIT);
	/* What was read of its end is longer now. */
	f->block.len = 0;
	return true;
}

bool
meta_file_flush(struct meta_file *f, int folder_fd, uint32_t *place_r)
{
	bool ok = false;
	int error;

	open_file(f, folder_fd);
	if (!is_current(f, folder_fd)) {
		close_file(f);
		open_file(f, folder_fd);
	}
	if (f->fd < 0)
		return meta_file_replace(f, folder_fd, place_r);
	if (lock(f->fd, F_WRLCK)) {
		ok = is_current(f, folder_fd) && append(f, place_r);
		error = errno;
		(void)lock(f->fd, F_UNLCK);
		errno = error;
	}
	f->out.len = 0;
	return ok;
}

uint64_t
meta_file_size(struct meta_file *f, int folder_fd)
{
	struct stat st;

	open_file(f, folder_fd);
	return f->fd >= 0 && fstat(f->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}
