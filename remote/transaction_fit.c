/* Whether a message can go to a host as it is, and as what else if not. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/addr.h"
#include "common/queuefile.h"
#include "mime/reencode.h"
#include "remote/text.h"
#include "remote/transaction_parts.h"

/* Nothing that could be read as another command or parameter leaves. */
static bool
is_sendable(char const *s, size_t len, bool utf8)
{
	unsigned flags = ADDR_ALLOW_LONG | (utf8 ? ADDR_ALLOW_UTF8 : 0);
	enum addr_error ignored;
	struct addr a;

	return len == 0 || addr_parse(s, len, flags, &a, &ignored);
}

bool
transaction_size(struct job const *job, uint64_t *size_r)
{
	return !__builtin_add_overflow(
		       job->message_len, job->added_len, size_r) &&
	       !__builtin_add_overflow(*size_r, job->lines_len, size_r);
}

static bool
is_ascii(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 128)
			return false;
	return true;
}

static bool
has_ascii_addresses(struct transaction const *t)
{
	struct job const *job = t->job;

	for (size_t i = 0; i < t->open_count; i++) {
		struct job_recipient const *to = &job->recipients[t->open[i]];
		if (!is_ascii(to->address, to->address_len))
			return false;
	}
	return is_ascii(job->sender, job->sender_len);
}

/* Read a part of the file in pieces. False: it can't be read whole. */
bool
transaction_read(int fd, uint64_t offset, uint64_t len,
	bool (*take)(void *data, char const *s, size_t n), void *data)
{
	static char in[TRANSACTION_BLOCK];

	while (len > 0) {
		ssize_t r;
		do
			r = pread(fd, in,
				len < sizeof in ? (size_t)len : sizeof in,
				(off_t)offset);
		while (r < 0 && errno == EINTR);
		if (r <= 0)
			return false;
		if (!take(data, in, (size_t)r))
			return false;
		offset += (uint64_t)r;
		len -= (uint64_t)r;
	}
	return true;
}

static bool
take_look(void *data, char const *s, size_t n)
{
	reencode_push(data, s, n);
	return true;
}

/*
 * RFC 6152 3, RFC 3030 3, RFC 6531 3.6: what the host lacks is made up for
 * where that can be. A message whose text needs nothing goes as it is. False:
 * it can't be sent; *code and *why say so.
 */
static bool
fit(struct transaction *t, int fd, char const **code, char const **why)
{
	struct reply_ehlo const *ehlo = &t->c->ehlo;
	struct job const *job = t->job;
	bool binary = job->flags & QUEUEFILE_BINARY;
	bool lacks_8bit = !ehlo->eightbit && (job->flags & QUEUEFILE_8BIT);
	bool lacks_utf8 = !ehlo->utf8 && (job->flags & QUEUEFILE_UTF8);
	/* It is signed as it is without 8-bit octets (RFC 6376 5.3). */
	bool is_seven = job->flags & JOB_SEVEN;
	bool keep_8bit =
		!is_seven && (ehlo->eightbit || !(binary || lacks_8bit));

	t->is_chunk = binary && !is_seven && !lacks_utf8 && ehlo->chunking &&
		      ehlo->binary;
	if (t->is_chunk || (!is_seven && !binary && !lacks_8bit && !lacks_utf8))
		return true;
	*code = "5.6.7";
	*why = "the host takes no SMTPUTF8";
	if (lacks_utf8 && !has_ascii_addresses(t))
		return false;
	reencode_start(t->seven, keep_8bit, !lacks_utf8 && keep_8bit);
	if (!transaction_read(fd, job->message_offset, job->message_len,
		    take_look, t->seven)) {
		*code = "4.3.0";
		*why = "the queue file cannot be read";
		return false;
	}
	t->is_changed = reencode_end(t->seven) && t->seven->is_needed;
	if (t->seven->error == REENCODE_FINE) {
		*why = NULL;
		return true;
	}
	if (t->seven->error == REENCODE_MEMORY) {
		*code = "4.3.0";
		*why = "no memory";
	} else if (!lacks_utf8) {
		*code = "5.6.3";
		*why = t->seven->error == REENCODE_HEADER
			       ? "the host takes no 8BITMIME, and a header "
				 "can't be encoded"
			       : "the host takes no 8BITMIME, and the message "
				 "is too complex to be encoded";
	}
	return false;
}

/* RFC 2852 4: seconds that are left. */
int64_t
transaction_seconds_left(struct job const *job)
{
	return (int64_t)job->deliver_by - (int64_t)time(NULL);
}

/* RFC 8689 2, 5: only under TLS; a report goes also without it. */
bool
transaction_takes_requiretls(struct transaction const *t)
{
	return t->c->ehlo.requiretls && strcmp(t->c->tls, "none") != 0;
}

/* What the host could not take anyway is told without asking it. */
bool
transaction_fits(struct transaction *t, int fd)
{
	struct reply_ehlo const *ehlo = &t->c->ehlo;
	struct job const *job = t->job;
	bool utf8 = (job->flags & QUEUEFILE_UTF8) && ehlo->utf8;
	char const *code = "5.3.4", *why = NULL;
	uint64_t size = 0;

	if (!transaction_size(job, &size))
		why = "the message is too large";
	else if (ehlo->size_max > 0 && size > ehlo->size_max)
		why = "the message is larger than the host takes";
	else if ((job->flags & QUEUEFILE_REQUIRETLS) && job->sender_len > 0 &&
		 !transaction_takes_requiretls(t))
		code = "5.7.30", why = "the host takes no REQUIRETLS";
	else if (job->by_mode == 'R' && !ehlo->deliver_by)
		code = "5.3.3", why = "the host takes no DELIVERBY";
	else if (job->by_mode == 'R' && transaction_seconds_left(job) <= 0)
		code = "4.4.7", why = "the time to deliver it is over";
	else if (!fit(t, fd, &code, &why))
		;
	else if (!is_sendable(job->sender, job->sender_len, utf8))
		code = "5.1.7", why = "the sender's address cannot be sent";
	for (size_t i = 0; i < t->open_count && why == NULL; i++) {
		struct job_recipient const *to = &job->recipients[t->open[i]];
		if (!is_sendable(to->address, to->address_len, utf8))
			code = "5.1.3",
			why = "a recipient's address cannot be sent";
	}
	if (why == NULL)
		return true;
	text_join(t->text, CLIENT_TEXT_SIZE, code, " ", t->c->peer, ": ", why,
		(char *)0);
	transaction_settle_many(t, true, *code == '4' ? JOB_RETRY : JOB_FAILED);
	return false;
}
