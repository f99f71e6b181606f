/* A message in the queue, as a person looks for it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/id.h"
#include "common/admin/queue_file.h"

static bool
is_address(char const *s, size_t len, char const *want)
{
	return strlen(want) == len && strncasecmp(s, want, len) == 0;
}

bool
queue_file_in_domain(struct queuefile_recipient const *r, char const *domain)
{
	char const *at = memrchr(r->address, '@', r->address_len);

	return at != NULL &&
	       is_address(at + 1,
		       (size_t)(r->address + r->address_len - at - 1), domain);
}

static bool
has_sender(struct queuefile const *q, char const *want)
{
	char const *at = memrchr(q->sender, '@', q->sender_len);

	if (strcmp(want, "<>") == 0)
		return q->sender_len == 0;
	if (*want != '@' || at == NULL)
		return is_address(q->sender, q->sender_len, want);
	return is_address(at, (size_t)(q->sender + q->sender_len - at), want);
}

static bool
has_id(struct queue_filter const *f, char const *id)
{
	for (size_t i = 0; i < f->id_count; i++)
		if (strcmp(f->ids[i], id) == 0)
			return true;
	return f->id_count == 0;
}

static bool
is_meant(struct queue_filter const *f, struct queuefile const *q)
{
	bool goes_there = f->domain == NULL;

	if (q->arrived / 1000000 + f->older_than > f->now && f->older_than > 0)
		return false;
	if (f->sender != NULL && !has_sender(q, f->sender))
		return false;
	for (size_t i = 0; i < q->recipient_count && !goes_there; i++)
		goes_there = q->recipients[i].state == QUEUEFILE_TODO &&
			     queue_file_in_domain(&q->recipients[i], f->domain);
	return goes_there;
}

int
queue_file_read(int fd, char *s, struct queuefile *q_r)
{
	static struct queuefile_recipient all[QUEUEFILE_VERP_MAX];
	size_t have = 0;

	for (;;) {
		/* Most envelopes are short. */
		size_t want =
			have == 0 ? 4096 : QUEUEFILE_VERP_ENVELOPE_MAX - have;
		ssize_t n = pread(fd, s + have, want, (off_t)have);
		int got;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		have += (size_t)n;
		got = queuefile_parse(s, have, all, QUEUEFILE_VERP_MAX, q_r);
		if (got != 0 || n == 0 || have == QUEUEFILE_VERP_ENVELOPE_MAX)
			return got == 1;
	}
}

struct search {
	struct queue_filter const *filter;
	queue_file_found *found;
	void *data;
	size_t unreadable;
	char *envelope;
};

static void
look(struct search *s, int folder_fd, char const *name, bool is_new)
{
	struct queue_file file = {.is_new = is_new};
	int fd;

	if (!is_new && !has_id(s->filter, name))
		return;
	fd = openat(folder_fd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		s->unreadable += errno != ENOENT;
		return;
	}
	if (queue_file_read(fd, s->envelope, &file.q) <= 0) {
		s->unreadable++;
	} else {
		/* In cur the name counts before the id. */
		if (!is_new)
			memcpy(file.q.id, name, ID_LEN);
		if (!(file.q.flags & QUEUEFILE_COMMAND) &&
			has_id(s->filter, file.q.id) &&
			is_meant(s->filter, &file.q))
			s->found(s->data, fd, &file);
	}
	close(fd);
}

/* Names sort by age, for they begin with an id. */
static int
is_message(struct dirent const *e)
{
	return strlen(e->d_name) >= ID_LEN && id_valid(e->d_name, ID_LEN);
}

static bool
look_in(struct search *s, int queue_fd, char const *name, bool is_new)
{
	int fd = openat(queue_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries;
	int n;

	if (fd < 0)
		return false;
	n = scandirat(fd, ".", &entries, is_message, alphasort);
	for (int i = 0; i < n; i++) {
		look(s, fd, entries[i]->d_name, is_new);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	close(fd);
	return n >= 0;
}

bool
queue_files(int queue_fd, struct queue_filter const *filter,
	queue_file_found *found, void *data, size_t *unreadable_r)
{
	struct search s = {.filter = filter,
		.found = found,
		.data = data,
		.envelope = malloc(QUEUEFILE_VERP_ENVELOPE_MAX)};
	bool ok = s.envelope != NULL && look_in(&s, queue_fd, "cur", false) &&
		  look_in(&s, queue_fd, "new", true);

	free(s.envelope);
	*unreadable_r = s.unreadable;
	return ok;
}
