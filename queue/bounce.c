/* Telling a sender what could not be delivered. */
#include <stdio.h>
#include <string.h>
#include "common/datetime.h"
#include "common/drop.h"
#include "common/log.h"
#include "common/queuebody.h"
#include "queue/bounce.h"

static bool
put(stralloc *sa, char const *s)
{
	return stralloc_cats(sa, s);
}

static bool
put_date(stralloc *sa, uint64_t seconds)
{
	char text[DATETIME_MAX];

	return stralloc_catb(sa, text, datetime_format(text, seconds));
}

/* Remote text and addresses: one line, printable; UTF-8 stays as it is in an
 * address that asked for it. */
static bool
put_clean(stralloc *sa, char const *s, size_t len, bool utf8)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		bool ok = (c >= ' ' && c < 127) || (utf8 && c >= 128);
		if (!stralloc_append(sa, ok ? s[i] : '?'))
			return false;
	}
	return true;
}

static size_t
digits(char const *s, size_t len, size_t max)
{
	size_t n = 0;

	while (n < len && n < max && s[n] >= '0' && s[n] <= '9')
		n++;
	return n;
}

/* The length of a code `5.n.n` at the start of s, or 0. */
static size_t
code_length(char const *s, size_t len)
{
	size_t subject, detail;

	if (len < 5 || s[0] != '5' || s[1] != '.')
		return 0;
	subject = digits(s + 2, len - 2, 3);
	if (subject == 0 || 2 + subject >= len || s[2 + subject] != '.')
		return 0;
	detail = digits(s + 3 + subject, len - 3 - subject, 3);
	return detail > 0 ? 3 + subject + detail : 0;
}

void
bounce_status(
	char const *text, size_t len, char status_r[BOUNCE_STATUS_MAX + 1])
{
	memcpy(status_r, "5.0.0", 6);
	for (size_t i = 0; i < len; i++) {
		/* Not in the middle of an address or number. */
		bool starts = i == 0 || text[i - 1] == ' ' ||
			      text[i - 1] == '(' || text[i - 1] == '#';
		size_t n = starts ? code_length(text + i, len - i) : 0;
		bool ends = n > 0 &&
			    (i + n == len || text[i + n] == ' ' ||
				    text[i + n] == ')' || text[i + n] == ':');
		if (!ends)
			continue;
		memcpy(status_r, text + i, n);
		status_r[n] = '\0';
		return;
	}
}

static bool
put_headers(stralloc *sa, struct bounce const *b, bool is_8bit)
{
	bool utf8 = b->q->flags & QUEUEFILE_UTF8;

	return put(sa, "Date: ") && put_date(sa, b->now) &&
	       put(sa, "\r\nFrom: Mail Delivery System <MAILER-DAEMON@") &&
	       put(sa, b->hostname) && put(sa, ">\r\nTo: <") &&
	       put_clean(sa, b->q->sender, b->q->sender_len, utf8) &&
	       put(sa, ">\r\nSubject: Undelivered mail: not delivered to its "
		       "recipients\r\nMessage-ID: <") &&
	       put(sa, b->id) && put(sa, "@") && put(sa, b->hostname) &&
	       put(sa, ">\r\nAuto-Submitted: auto-replied\r\n"
		       "MIME-Version: 1.0\r\nContent-Type: multipart/report; "
		       "report-type=delivery-status;\r\n\tboundary=\"=_") &&
	       put(sa, b->id) && put(sa, "\"\r\nContent-Transfer-Encoding: ") &&
	       put(sa, is_8bit ? "8bit" : "7bit") && put(sa, "\r\n\r\n");
}

static bool
put_boundary(stralloc *sa, struct bounce const *b, char const *rest)
{
	return put(sa, "--=_") && put(sa, b->id) && put(sa, rest);
}

static bool
put_text(stralloc *sa, struct bounce const *b, bool is_8bit)
{
	bool utf8 = b->q->flags & QUEUEFILE_UTF8;

	if (!put_boundary(sa, b, "\r\nContent-Type: text/plain; charset=") ||
		!put(sa, utf8 ? "utf-8" : "us-ascii") ||
		!put(sa, "\r\nContent-Transfer-Encoding: ") ||
		!put(sa, utf8 && is_8bit ? "8bit" : "7bit") ||
		!put(sa, "\r\n\r\nThis is the mail system at ") ||
		!put(sa, b->hostname) ||
		!put(sa, ".\r\n\r\nI'm sorry: your message (its header is "
			 "below) could not be delivered to\r\none or more "
			 "recipients. I have given up; it will not be tried "
			 "again.\r\n"))
		return false;
	for (size_t i = 0; i < b->q->recipient_count; i++) {
		struct queuefile_recipient const *r = &b->q->recipients[i];
		if (r->state != QUEUEFILE_FAILED)
			continue;
		if (!put(sa, "\r\n<") ||
			!put_clean(sa, r->address, r->address_len, utf8) ||
			!put(sa, ">\r\n    ") ||
			!put_clean(sa, r->why, r->why_len, false) ||
			!put(sa, "\r\n"))
			return false;
	}
	return put(sa, "\r\n");
}

static bool
put_recipient_status(
	stralloc *sa, struct queuefile_recipient const *r, bool utf8)
{
	char status[BOUNCE_STATUS_MAX + 1];

	bounce_status(r->why, r->why_len, status);
	return put(sa, "\r\nFinal-Recipient: ") &&
	       put(sa, utf8 ? "utf-8; " : "rfc822; ") &&
	       put_clean(sa, r->address, r->address_len, utf8) &&
	       put(sa, "\r\nAction: failed\r\nStatus: ") && put(sa, status) &&
	       put(sa, "\r\nDiagnostic-Code: x-kereru; ") &&
	       put_clean(sa, r->why, r->why_len, false) && put(sa, "\r\n");
}

static bool
put_status(stralloc *sa, struct bounce const *b)
{
	bool utf8 = b->q->flags & QUEUEFILE_UTF8;

	if (!put_boundary(sa, b, "\r\nContent-Type: message/") ||
		!put(sa, utf8 ? "global-delivery-status" : "delivery-status") ||
		!put(sa, utf8 ? "\r\nContent-Transfer-Encoding: 8bit" : "") ||
		!put(sa, "\r\n\r\nReporting-MTA: dns; ") ||
		!put(sa, b->hostname) || !put(sa, "\r\nArrival-Date: ") ||
		!put_date(sa, b->arrived) || !put(sa, "\r\n"))
		return false;
	for (size_t i = 0; i < b->q->recipient_count; i++)
		if (b->q->recipients[i].state == QUEUEFILE_FAILED &&
			!put_recipient_status(sa, &b->q->recipients[i], utf8))
			return false;
	return put(sa, "\r\n");
}

/* Lines that a foreign header lacks a CR for get it; a bare CR, NUL go. */
static bool
put_original(stralloc *sa, struct bounce const *b, bool is_8bit)
{
	if (!put_boundary(sa, b, "\r\nContent-Type: text/rfc822-headers\r\n") ||
		!put(sa, "Content-Transfer-Encoding: ") ||
		!put(sa, is_8bit ? "8bit" : "7bit") || !put(sa, "\r\n\r\n"))
		return false;
	for (size_t i = 0; i < b->header_len; i++) {
		char c = b->header[i];
		if (c == '\n' ? !put(sa, "\r\n")
			      : c != '\r' && c != '\0' &&
					!stralloc_append(sa, c))
			return false;
	}
	if (sa->len > 0 && sa->s[sa->len - 1] != '\n' && !put(sa, "\r\n"))
		return false;
	return put(sa, "\r\n") && put_boundary(sa, b, "--\r\n");
}

static bool
has_8bit(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 128)
			return true;
	return false;
}

static bool
is_8bit_bounce(struct bounce const *b)
{
	return (b->q->flags & QUEUEFILE_UTF8) ||
	       has_8bit(b->header, b->header_len);
}

bool
bounce_format(stralloc *sa, struct bounce const *b)
{
	bool is_8bit = is_8bit_bounce(b);

	return put_headers(sa, b, is_8bit) && put_text(sa, b, is_8bit) &&
	       put_status(sa, b) && put_original(sa, b, is_8bit);
}

static enum helper_result
write_file(int tmp_fd, int new_fd, struct bounce *b, struct queued const *m)
{
	static struct drop d;
	char origin[32];
	struct queuefile_recipient to = {.address = m->q.sender,
		.address_len = m->q.sender_len,
		.state = QUEUEFILE_TODO};
	struct drop_envelope e = {.origin = origin,
		.sender = "",
		.recipients = &to,
		.recipient_count = 1,
		.flags = QUEUEFILE_OWN | (m->q.flags & QUEUEFILE_UTF8) |
			 (is_8bit_bounce(b) ? QUEUEFILE_8BIT : 0)};
	stralloc text = STRALLOC_ZERO;
	bool ok;

	e.origin_len =
		(size_t)snprintf(origin, sizeof origin, "bounce %s", m->q.id);
	if (!drop_begin(&d, tmp_fd, new_fd, DROP_SYNC_FOLDER, &e))
		return HELPER_FAILED;
	b->id = d.q.id;
	ok = bounce_format(&text, b);
	if (!ok) {
		drop_abort(&d);
	} else {
		drop_message(&d, text.s, text.len);
		ok = drop_commit(&d);
	}
	stralloc_free(&text);
	if (ok)
		log_event("bounced", m->q.id, "as", b->id, (char *)0);
	return ok ? HELPER_OK : HELPER_FAILED;
}

enum helper_result
bounce_write(int tmp_fd, int new_fd, char const *hostname, uint64_t now,
	struct queued const *m)
{
	stralloc header = STRALLOC_ZERO;
	struct bounce b = {.hostname = hostname,
		.now = now,
		.arrived = m->q.arrived / 1000000,
		.q = &m->q};
	enum helper_result r;

	/* A header that can't be read is left out: the sender still learns. */
	if (queuebody_header(m->fd, m->q.message_offset, m->q.message_len,
		    BOUNCE_HEADER_MAX, &header) != QUEUEBODY_OK)
		header.len = 0;
	b.header = header.s;
	b.header_len = header.len;
	r = write_file(tmp_fd, new_fd, &b, m);
	if (r == HELPER_FAILED)
		log_error("bounce-failed", m->q.id, (char *)0);
	stralloc_free(&header);
	return r;
}
