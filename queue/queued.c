/* A message that is being worked on. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/id.h"
#include "queue/queued.h"

/* What is read first: the envelope of most messages. */
#define FIRST_READ 2048

char const *
queued_strerror(enum queued_error e)
{
	switch (e) {
	case QUEUED_GONE:
		return "it is gone";
	case QUEUED_NOT_PLAIN:
		return "not a plain file with one name";
	case QUEUED_FORBIDDEN:
		return "it can't be opened";
	case QUEUED_SHORT:
		return "shorter than its envelope says";
	case QUEUED_LONG:
		return "longer than its envelope says";
	case QUEUED_MALFORMED:
		return "malformed envelope";
	case QUEUED_NAME:
		return "its name and its id differ";
	case QUEUED_EMPTY:
		return "no recipients, or a command with some";
	case QUEUED_TROUBLE:
		return "trouble";
	}
	return "unknown";
}

static int
open_plain(int folder_fd, char const *name, struct stat *st,
	enum queued_error *error)
{
	int fd = openat(folder_fd, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		if (errno == ENOENT)
			*error = QUEUED_GONE;
		else if (errno == ELOOP || errno == ENXIO)
			*error = QUEUED_NOT_PLAIN;
		else if (errno == EACCES || errno == EPERM)
			*error = QUEUED_FORBIDDEN;
		else
			*error = QUEUED_TROUBLE;
		return -1;
	}
	*error = QUEUED_TROUBLE;
	if (fstat(fd, st) == 0) {
		*error = QUEUED_NOT_PLAIN;
		if (S_ISREG(st->st_mode) && st->st_nlink == 1)
			return fd;
	}
	close(fd);
	return -1;
}

/* Reads max octets at the front, or up to the end. -1: errno. */
static ssize_t
read_front(int fd, char *s, size_t max)
{
	size_t have = 0;

	while (have < max) {
		ssize_t n = pread(fd, s + have, max - have, (off_t)have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* A copy of what the envelope holds of a string, behind the others. */
static char const *
keep(char **at, char const *s, size_t len)
{
	char *copy = *at;

	if (s == NULL)
		return NULL;
	memcpy(copy, s, len);
	*at += len;
	return copy;
}

static size_t
strings_of(struct queuefile const *q)
{
	size_t n = q->origin_len + q->sender_len + q->envid_len +
		   q->command_len + q->unsubscribe_len;

	for (size_t i = 0; i < q->recipient_count; i++) {
		struct queuefile_recipient const *r = &q->recipients[i];
		n += r->address_len + r->orcpt_len + r->token_len + r->why_len;
	}
	return n;
}

/* All that a message needs, in one block: itself, its recipients, their fates,
 * and the strings that they point to. */
static struct queued *
build(struct queuefile const *q)
{
	size_t n = q->recipient_count;
	/* UNSAFE: n <= 20,000 and the strings lie in the envelope's 24 MiB: no
	 * overflow. */
	size_t size = sizeof(struct queued) +
		      n * (sizeof *q->recipients + sizeof(struct queued_fate)) +
		      strings_of(q);
	struct queued *m = calloc(1, size);

	if (m == NULL)
		return NULL;
	m->q = *q;
	m->q.recipients = (struct queuefile_recipient *)(m + 1);
	m->fates = (struct queued_fate *)(m->q.recipients + n);
	char *at = (char *)(m->fates + n);
	m->q.origin = keep(&at, q->origin, q->origin_len);
	m->q.sender = keep(&at, q->sender, q->sender_len);
	m->q.envid = keep(&at, q->envid, q->envid_len);
	m->q.command = keep(&at, q->command, q->command_len);
	m->q.unsubscribe = keep(&at, q->unsubscribe, q->unsubscribe_len);
	for (size_t i = 0; i < n; i++) {
		struct queuefile_recipient *r = &m->q.recipients[i];
		*r = q->recipients[i];
		r->address = keep(&at, r->address, r->address_len);
		r->orcpt = keep(&at, r->orcpt, r->orcpt_len);
		r->token = keep(&at, r->token, r->token_len);
		r->why = keep(&at, r->why, r->why_len);
		m->fates[i].handled = r->state != QUEUEFILE_TODO;
	}
	m->weight = size;
	return m;
}

/* Reads and parses the envelope; more of it as long as it has not ended. */
static struct queued *
read_envelope(int fd, enum queued_error *error)
{
	static struct queuefile_recipient all[QUEUEFILE_VERP_MAX];
	static char first[FIRST_READ];
	char *text = first;
	size_t max = sizeof first;
	struct queued *m = NULL;
	struct queuefile q;
	int parsed;

	for (;;) {
		ssize_t n = read_front(fd, text, max);
		*error = QUEUED_TROUBLE;
		if (n < 0)
			break;
		parsed = queuefile_parse(
			text, (size_t)n, all, QUEUEFILE_VERP_MAX, &q);
		if (parsed > 0) {
			m = build(&q);
			break;
		}
		*error = parsed == 0 && (size_t)n < max ? QUEUED_SHORT
							: QUEUED_MALFORMED;
		if (parsed < 0 || (size_t)n < max ||
			max >= QUEUEFILE_VERP_ENVELOPE_MAX)
			break;
		if (text != first)
			free(text);
		max = max > QUEUEFILE_VERP_ENVELOPE_MAX / 8
			      ? QUEUEFILE_VERP_ENVELOPE_MAX
			      : max * 8;
		text = malloc(max);
		*error = QUEUED_TROUBLE;
		if (text == NULL)
			return NULL;
	}
	if (text != first)
		free(text);
	return m;
}

/* `<id>.<secret>` as it was dropped, or an id that the manager gave it. */
static bool
take_name(struct queued *m, char const *name)
{
	if (id_valid(name, strlen(name))) {
		memcpy(m->q.id, name, ID_LEN);
		return true;
	}
	return strncmp(name, m->q.id, ID_LEN) == 0 && name[ID_LEN] == '.';
}

static enum queued_error
check(struct queued *m, char const *name, struct stat const *st)
{
	uint64_t size = (uint64_t)st->st_size;

	if (size < m->q.file_size)
		return QUEUED_SHORT;
	if (size > m->q.file_size)
		return QUEUED_LONG;
	if (!take_name(m, name))
		return QUEUED_NAME;
	if ((m->q.recipient_count == 0) !=
		((m->q.flags & QUEUEFILE_COMMAND) && m->q.command != NULL))
		return QUEUED_EMPTY;
	return 0;
}

struct queued *
queued_load(int folder_fd, char const *name, struct stat *st,
	enum queued_error *error)
{
	int fd = open_plain(folder_fd, name, st, error);
	struct queued *m;

	if (fd < 0)
		return NULL;
	m = read_envelope(fd, error);
	if (m == NULL) {
		close(fd);
		return NULL;
	}
	m->fd = fd;
	m->owner = st->st_uid;
	*error = check(m, name, st);
	if (*error == 0)
		return m;
	queued_free(m);
	return NULL;
}

void
queued_free(struct queued *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->q.recipient_count; i++) {
		free(m->fates[i].why);
		free(m->fates[i].instead);
		free(m->fates[i].lines);
	}
	free(m->forward_sender);
	free(m->lines);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

void
queued_note(struct queued *m, size_t recipient, enum queuefile_state state,
	char const *why, size_t why_len)
{
	struct queuefile_recipient *r = &m->q.recipients[recipient];
	struct queued_fate *fate = &m->fates[recipient];
	char *copy;

	fate->handled = true;
	m->unmarked += !fate->changed;
	fate->changed = true;
	r->state = state;
	/* Where it was delivered here is for the log alone. */
	if (state == QUEUEFILE_DONE || state == QUEUEFILE_DELIVERED ||
		state == QUEUEFILE_EXPANDED_TO)
		why_len = 0;
	if (why_len > QUEUEFILE_WHY_WIDTH)
		why_len = QUEUEFILE_WHY_WIDTH;
	copy = why_len > 0 ? malloc(why_len) : NULL;
	if (copy != NULL)
		memcpy(copy, why, why_len);
	free(fate->lines);
	fate->lines = NULL;
	free(fate->why);
	fate->why = copy;
	r->why = copy;
	r->why_len = copy != NULL ? why_len : 0;
}

size_t
queued_count(struct queued const *m, enum queuefile_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < m->q.recipient_count; i++)
		n += m->q.recipients[i].state == state;
	return n;
}

bool
queued_has_rest(struct queued const *m)
{
	return m->begun < m->q.recipient_count && !m->is_dropped &&
	       !m->is_given_up;
}

size_t
queued_sender(struct queued const *m, size_t recipient,
	char out[QUEUEFILE_ADDRESS_MAX + 1])
{
	struct queuefile const *q = &m->q;
	struct queuefile_recipient const *to = &q->recipients[recipient];
	char made[VERP_SIZE];
	size_t len = q->flags & QUEUEFILE_VERP
			     ? verp_make(q->sender, q->sender_len, to->address,
				       to->address_len, made)
			     : 0;

	if (len > 0) {
		memcpy(out, made, len);
	} else {
		len = q->sender_len;
		memcpy(out, q->sender, len);
	}
	out[len] = '\0';
	return len;
}

size_t
queued_unsubscribe(
	struct queued const *m, size_t recipient, char out[VERP_FIELDS_MAX])
{
	struct queuefile const *q = &m->q;
	struct queuefile_recipient const *to = &q->recipients[recipient];

	if (q->unsubscribe == NULL || to->token == NULL)
		return 0;
	return verp_fields(q->unsubscribe, q->unsubscribe_len, to->token,
		to->token_len, q->sender, q->sender_len, out);
}

bool
queued_owes_report(struct queued const *m)
{
	for (size_t i = 0; i < m->q.recipient_count; i++)
		switch (m->q.recipients[i].state) {
		case QUEUEFILE_DELIVERED:
		case QUEUEFILE_RELAYED:
		case QUEUEFILE_EXPANDED_TO:
		case QUEUEFILE_FAILED:
			return true;
		case QUEUEFILE_TODO:
		case QUEUEFILE_DONE:
		case QUEUEFILE_TOLD:
			break;
		}
	return false;
}

void
queued_told(struct queued *m)
{
	for (size_t i = 0; i < m->q.recipient_count; i++) {
		struct queuefile_recipient *r = &m->q.recipients[i];
		enum queuefile_state old = r->state;
		if (old == QUEUEFILE_FAILED)
			r->state = QUEUEFILE_TOLD;
		else if (old != QUEUEFILE_TODO && old != QUEUEFILE_TOLD)
			r->state = QUEUEFILE_DONE;
		if (r->state != old && !m->fates[i].changed)
			m->unmarked++;
		m->fates[i].changed = m->fates[i].changed || r->state != old;
	}
}

static bool
write_at(int fd, char const *s, size_t len, size_t offset)
{
	ssize_t n = pwrite(fd, s, len, (off_t)offset);

	if (n >= 0 && (size_t)n != len)
		errno = ENOSPC;
	return n >= 0 && (size_t)n == len;
}

static bool
mark_recipient(struct queuefile_recipient const *r, int fd)
{
	char why[QUEUEFILE_WHY_WIDTH], state = (char)r->state;

	/* The reason first: a state that a crash lets stand has its own. */
	if (r->why_offset > 0) {
		queuefile_why(why, r->why, r->why_len);
		if (!write_at(fd, why, sizeof why, r->why_offset))
			return false;
	}
	return write_at(fd, &state, 1, r->state_offset);
}

static bool
mark_number(int fd, uint64_t n, size_t offset)
{
	char digits[QUEUEFILE_DIGITS];

	queuefile_digits(digits, n);
	return write_at(fd, digits, sizeof digits, offset);
}

static bool
mark_marks(struct queuefile const *q, int fd)
{
	char marks[] = {q->held ? 'h' : '-', q->warned ? 'w' : '-'};

	return q->marks_offset == 0 ||
	       write_at(fd, marks, sizeof marks, q->marks_offset);
}

bool
queued_mark(struct queued *m, int fd, bool schedule)
{
	for (size_t i = 0; i < m->q.recipient_count; i++) {
		if (!m->fates[i].changed)
			continue;
		if (!mark_recipient(&m->q.recipients[i], fd))
			return false;
		m->fates[i].changed = false;
		m->unmarked--;
	}
	if (!schedule)
		return true;
	if (!mark_marks(&m->q, fd))
		return false;
	return mark_number(fd, m->q.attempts, m->q.attempts_offset) &&
	       mark_number(fd, m->q.next, m->q.next_offset);
}
