/* The text of a delivery report. */
#include <string.h>
#include <strings.h>
#include "common/datetime.h"
#include "common/xtext.h"
#include "queue/dsn.h"

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
code_length(char const *s, size_t len, char class)
{
	size_t subject, detail;

	if (len < 5 || s[0] != class || s[1] != '.')
		return 0;
	subject = digits(s + 2, len - 2, 3);
	if (subject == 0 || 2 + subject >= len || s[2 + subject] != '.')
		return 0;
	detail = digits(s + 3 + subject, len - 3 - subject, 3);
	return detail > 0 ? 3 + subject + detail : 0;
}

void
dsn_status(char const *text, size_t len, char class,
	char status_r[DSN_STATUS_MAX + 1])
{
	memcpy(status_r, "5.0.0", 6);
	status_r[0] = class;
	for (size_t i = 0; i < len; i++) {
		/* Not in the middle of an address or number. */
		bool starts = i == 0 || text[i - 1] == ' ' ||
			      text[i - 1] == '(' || text[i - 1] == '#';
		size_t n = starts ? code_length(text + i, len - i, class) : 0;
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

bool
dsn_wants_delay(struct queuefile const *q, struct queuefile_recipient const *r)
{
	if (r->notify & QUEUEFILE_NOTIFY_NEVER)
		return false;
	/* RFC 2852: by-mode N asks for it by itself. */
	return r->notify == 0 || (r->notify & QUEUEFILE_NOTIFY_DELAY) ||
	       q->by_mode == 'N';
}

enum dsn_action
dsn_action(struct queuefile_recipient const *r, struct dsn const *d)
{
	switch (r->state) {
	case QUEUEFILE_FAILED:
		return DSN_FAILED;
	case QUEUEFILE_DELIVERED:
		return DSN_DELIVERED;
	case QUEUEFILE_RELAYED:
		return DSN_RELAYED;
	case QUEUEFILE_EXPANDED_TO:
		return DSN_EXPANDED;
	case QUEUEFILE_TODO:
		return d->is_late && dsn_wants_delay(d->q, r) ? DSN_DELAYED
							      : DSN_NOTHING;
	case QUEUEFILE_DONE:
	case QUEUEFILE_TOLD:
		break;
	}
	return DSN_NOTHING;
}

/* In the order in which people are told. */
static struct {
	enum dsn_action action;
	char const *name; /* RFC 3464 2.3.3 */
	char const *subject;
	char const *text;
} const actions[] = {
	{DSN_FAILED, "failed",
		"Undelivered mail: not delivered to its recipients",
		"I'm sorry: your message (its header is below) could not be "
		"delivered to\r\nthese recipients. I have given up; it will "
		"not be tried again.\r\n"},
	{DSN_DELAYED, "delayed", "Delayed mail: not delivered yet",
		"Your message could not be delivered to these recipients yet. "
		"It is still\r\nbeing tried: you need not do anything, and "
		"will hear if it fails in the end.\r\n"},
	{DSN_DELIVERED, "delivered", "Delivered mail",
		"Your message was delivered to the mailboxes of these "
		"recipients.\r\n"},
	{DSN_RELAYED, "relayed", "Relayed mail",
		"Your message was handed to the next host for these "
		"recipients. That host does\r\nnot send reports: you may hear "
		"no more.\r\n"},
	{DSN_EXPANDED, "expanded", "Relayed mail",
		"Your message was delivered to these addresses, which stand "
		"for several others\r\nto which it was sent on.\r\n"},
};
#define ACTION_COUNT (sizeof actions / sizeof *actions)

static bool
has(struct dsn const *d, enum dsn_action action)
{
	for (size_t i = 0; i < d->q->recipient_count; i++)
		if (dsn_action(&d->q->recipients[i], d) == action)
			return true;
	return false;
}

static bool
is_utf8(struct dsn const *d)
{
	return d->q->flags & QUEUEFILE_UTF8;
}

static char const *
subject(struct dsn const *d)
{
	if (d->is_double)
		return "Undelivered report: its sender can't be told";
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (has(d, actions[i].action))
			return actions[i].subject;
	return "Delivery report";
}

static bool
put_headers(stralloc *sa, struct dsn const *d)
{
	bool is_8bit = d->is_8bit || is_utf8(d);

	return put(sa, "Date: ") && put_date(sa, d->now) &&
	       put(sa, "\r\nFrom: Mail Delivery System <MAILER-DAEMON@") &&
	       put(sa, d->hostname) && put(sa, ">\r\nTo: <") &&
	       put_clean(sa, d->to, d->to_len, is_utf8(d)) &&
	       put(sa, ">\r\nSubject: ") && put(sa, subject(d)) &&
	       put(sa, "\r\nMessage-ID: <") && put(sa, d->id) && put(sa, "@") &&
	       put(sa, d->hostname) &&
	       put(sa, ">\r\nAuto-Submitted: auto-replied\r\n"
		       "MIME-Version: 1.0\r\nContent-Type: multipart/report; "
		       "report-type=delivery-status;\r\n\tboundary=\"=_") &&
	       put(sa, d->id) && put(sa, "\"\r\nContent-Transfer-Encoding: ") &&
	       put(sa, is_8bit ? "8bit" : "7bit") && put(sa, "\r\n\r\n");
}

static bool
put_boundary(stralloc *sa, struct dsn const *d, char const *rest)
{
	return put(sa, "--=_") && put(sa, d->id) && put(sa, rest);
}

static bool
put_recipients(stralloc *sa, struct dsn const *d, enum dsn_action action)
{
	for (size_t i = 0; i < d->q->recipient_count; i++) {
		struct queuefile_recipient const *r = &d->q->recipients[i];
		if (dsn_action(r, d) != action)
			continue;
		if (!put(sa, "\r\n<") ||
			!put_clean(
				sa, r->address, r->address_len, is_utf8(d)) ||
			!put(sa, ">\r\n"))
			return false;
		if (r->why_len > 0 &&
			(!put(sa, "    ") ||
				!put_clean(sa, r->why, r->why_len, false) ||
				!put(sa, "\r\n")))
			return false;
	}
	return put(sa, "\r\n");
}

static bool
put_text(stralloc *sa, struct dsn const *d)
{
	if (!put_boundary(sa, d, "\r\nContent-Type: text/plain; charset=") ||
		!put(sa, is_utf8(d) ? "utf-8" : "us-ascii") ||
		!put(sa, "\r\nContent-Transfer-Encoding: ") ||
		!put(sa, is_utf8(d) ? "8bit" : "7bit") ||
		!put(sa, "\r\n\r\nThis is the mail system at ") ||
		!put(sa, d->hostname) || !put(sa, ".\r\n\r\n"))
		return false;
	if (d->is_double &&
		!put(sa, "Postmaster: a message without a sender, such as a "
			 "report, could not be\r\ndelivered.\r\n\r\n"))
		return false;
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (has(d, actions[i].action) &&
			(!put(sa, actions[i].text) ||
				!put_recipients(sa, d, actions[i].action)))
			return false;
	return true;
}

/* RFC 3464 2.2.1: as it was given, without its encoding. */
static bool
put_envelope_id(stralloc *sa, struct queuefile const *q)
{
	char text[QUEUEFILE_ENVID_MAX];

	if (q->envid == NULL || q->envid_len > sizeof text)
		return true;
	return put(sa, "Original-Envelope-Id: ") &&
	       put_clean(sa, text, xtext_decode(q->envid, q->envid_len, text),
		       false) &&
	       put(sa, "\r\n");
}

/* RFC 3464 2.3.1. A utf-8 address stays encoded as it came (RFC 6533 3). */
static bool
put_original_recipient(
	stralloc *sa, struct queuefile_recipient const *r, bool utf8)
{
	char text[QUEUEFILE_ORCPT_MAX];
	char const *semicolon, *s = text;
	size_t type, len;

	if (r->orcpt == NULL || r->orcpt_len > sizeof text)
		return true;
	semicolon = memchr(r->orcpt, ';', r->orcpt_len);
	if (semicolon == NULL)
		return true;
	type = (size_t)(semicolon - r->orcpt);
	len = r->orcpt_len - type - 1;
	if (type == 5 && strncasecmp(r->orcpt, "utf-8", 5) == 0)
		s = semicolon + 1;
	else
		len = xtext_decode(semicolon + 1, len, text);
	return put(sa, "Original-Recipient: ") &&
	       put_clean(sa, r->orcpt, type, false) && put(sa, "; ") &&
	       put_clean(sa, s, len, utf8) && put(sa, "\r\n");
}

/* `HOST[ADDRESS] said: 550 ...` is the answer of a host. */
static bool
put_diagnostic(stralloc *sa, char const *why, size_t len)
{
	static char const said[] = " said: ";
	char const *answer = memmem(why, len, said, sizeof said - 1);
	char const *host = answer;
	size_t host_len;

	if (answer == NULL)
		return put(sa, "Diagnostic-Code: x-kereru; ") &&
		       put_clean(sa, why, len, false) && put(sa, "\r\n");
	while (host > why && host[-1] != ' ')
		host--;
	/* The name, or an address literal whole. */
	host_len = (size_t)(answer - host);
	if (host_len > 1 && *host != '[') {
		char const *bracket = memchr(host, '[', host_len);
		if (bracket != NULL)
			host_len = (size_t)(bracket - host);
	}
	answer += sizeof said - 1;
	return put(sa, "Remote-MTA: dns; ") &&
	       put_clean(sa, host, host_len, false) &&
	       put(sa, "\r\nDiagnostic-Code: smtp; ") &&
	       put_clean(sa, answer, len - (size_t)(answer - why), false) &&
	       put(sa, "\r\n");
}

static bool
put_recipient_status(stralloc *sa, struct dsn const *d,
	struct queuefile_recipient const *r, enum dsn_action action)
{
	char status[DSN_STATUS_MAX + 1] = "2.0.0", class;
	char const *name = "";

	if (action == DSN_FAILED || action == DSN_DELAYED) {
		class = action == DSN_FAILED ? '5' : '4';
		dsn_status(r->why, r->why_len, class, status);
	}
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (actions[i].action == action)
			name = actions[i].name;
	if (!put(sa, "\r\n") || !put_original_recipient(sa, r, is_utf8(d)) ||
		!put(sa, "Final-Recipient: ") ||
		!put(sa, is_utf8(d) ? "utf-8; " : "rfc822; ") ||
		!put_clean(sa, r->address, r->address_len, is_utf8(d)) ||
		!put(sa, "\r\nAction: ") || !put(sa, name) ||
		!put(sa, "\r\nStatus: ") || !put(sa, status) ||
		!put(sa, "\r\n"))
		return false;
	if (r->why_len > 0 && !put_diagnostic(sa, r->why, r->why_len))
		return false;
	if (!put(sa, "Last-Attempt-Date: ") || !put_date(sa, d->now) ||
		!put(sa, "\r\n"))
		return false;
	return action != DSN_DELAYED ||
	       (put(sa, "Will-Retry-Until: ") && put_date(sa, d->retry_until) &&
		       put(sa, "\r\n"));
}

static bool
put_status(stralloc *sa, struct dsn const *d)
{
	if (!put_boundary(sa, d, "\r\nContent-Type: message/") ||
		!put(sa, is_utf8(d) ? "global-delivery-status"
				    : "delivery-status") ||
		!put(sa, is_utf8(d) ? "\r\nContent-Transfer-Encoding: 8bit"
				    : "") ||
		!put(sa, "\r\n\r\nReporting-MTA: dns; ") ||
		!put(sa, d->hostname) || !put(sa, "\r\n") ||
		!put_envelope_id(sa, d->q) || !put(sa, "Arrival-Date: ") ||
		!put_date(sa, d->arrived) || !put(sa, "\r\n"))
		return false;
	for (size_t i = 0; i < d->q->recipient_count; i++) {
		struct queuefile_recipient const *r = &d->q->recipients[i];
		enum dsn_action action = dsn_action(r, d);
		if (action != DSN_NOTHING &&
			!put_recipient_status(sa, d, r, action))
			return false;
	}
	return put(sa, "\r\n");
}

bool
dsn_head(stralloc *sa, struct dsn const *d)
{
	char const *type =
		d->is_full ? "message/rfc822" : "text/rfc822-headers";

	if (is_utf8(d))
		type = d->is_full ? "message/global" : "message/global-headers";
	return put_headers(sa, d) && put_text(sa, d) && put_status(sa, d) &&
	       put_boundary(sa, d, "\r\nContent-Type: ") && put(sa, type) &&
	       put(sa, "\r\nContent-Transfer-Encoding: ") &&
	       put(sa, d->is_8bit || is_utf8(d) ? "8bit" : "7bit") &&
	       put(sa, "\r\n\r\n");
}

bool
dsn_end(stralloc *sa, struct dsn const *d)
{
	return put(sa, "\r\n") && put_boundary(sa, d, "--\r\n");
}
