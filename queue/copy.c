/* Taking a message over. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "common/drop.h"
#include "common/log.h"
#include "common/queuebody.h"
#include "queue/copy.h"

struct out {
	int fd;
	bool failed;
};

static void
put(void *data, char const *s, size_t len)
{
	struct out *o = data;

	o->failed = o->failed || allwrite(o->fd, s, len) != len;
}

/* The envelope in its new length, with the numbers of the new file. */
static bool
make_envelope(stralloc *sa, struct queuefile *q)
{
	if (!queuefile_format(sa, q))
		return false;
	q->message_offset = sa->len;
	q->added_offset = q->message_offset + q->message_len;
	q->file_size = q->added_offset + q->added_len;
	sa->len = 0;
	return queuefile_format(sa, q);
}

static enum helper_result
write_file(int fd, struct queued const *m)
{
	struct queuefile q = m->q;
	struct out o = {.fd = fd};
	stralloc envelope = STRALLOC_ZERO;
	enum queuebody_result r;

	q.flags |= QUEUEFILE_OWN;
	/* Whose it was decides what is signed, and the file is ours now. */
	if (!q.has_dropper) {
		q.has_dropper = true;
		q.dropper = m->owner;
	}
	if (!make_envelope(&envelope, &q)) {
		stralloc_free(&envelope);
		return HELPER_FAILED;
	}
	put(&o, envelope.s, envelope.len);
	stralloc_free(&envelope);
	r = queuebody_copy(
		m->fd, m->q.message_offset, m->q.message_len, put, &o);
	if (r == QUEUEBODY_OK)
		r = queuebody_copy(
			m->fd, m->q.added_offset, m->q.added_len, put, &o);
	if (r == QUEUEBODY_SHORT)
		return HELPER_SHORT;
	return r == QUEUEBODY_OK && !o.failed ? HELPER_OK : HELPER_FAILED;
}

enum helper_result
copy_over(int tmp_fd, int cur_fd, struct queued const *m)
{
	char name[DROP_NAME_LEN + 1];
	enum helper_result r;
	int fd;

	memcpy(name, m->q.id, ID_LEN);
	name[ID_LEN] = '.';
	id_secret(name + ID_LEN + 1);
	fd = openat(
		tmp_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_error("copy-failed", m->q.id, (char *)0);
		return HELPER_FAILED;
	}
	r = write_file(fd, m);
	if (r == HELPER_OK && fsync(fd) < 0)
		r = HELPER_FAILED;
	if (close(fd) < 0 && r == HELPER_OK)
		r = HELPER_FAILED;
	if (r == HELPER_OK && renameat(tmp_fd, name, cur_fd, m->q.id) == 0)
		return fsync(cur_fd) == 0 ? HELPER_OK : HELPER_FAILED;
	if (r != HELPER_SHORT) {
		log_error("copy-failed", m->q.id, (char *)0);
		r = HELPER_FAILED;
	}
	(void)unlinkat(tmp_fd, name, 0);
	return r;
}
