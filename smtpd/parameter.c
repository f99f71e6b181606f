/* What may stand behind the path of MAIL and RCPT. */
#include <string.h>
#include "common/queuefile.h"
#include "smtpd/command.h"
#include "smtpd/parameter.h"

/* At most max digits. */
static bool
number(char const *s, size_t len, size_t max, uint64_t *n_r)
{
	return len <= max && smtp_number(s, len, n_r);
}

static bool
is_word(char const *s, size_t len, char const *word)
{
	return len == strlen(word) && smtp_word(s, len, word) == len;
}

/* RFC 1870 4: at most 20 digits. */
static bool
read_size(char const *s, size_t len, struct smtp_parameters *p)
{
	return smtp_number(s, len, &p->size);
}

static bool
read_body(char const *s, size_t len, struct smtp_parameters *p)
{
	if (is_word(s, len, "7BIT"))
		p->body = SMTP_BODY_7BIT;
	else if (is_word(s, len, "8BITMIME"))
		p->body = SMTP_BODY_8BITMIME;
	else if (is_word(s, len, "BINARYMIME"))
		p->body = SMTP_BODY_BINARYMIME;
	else
		return false;
	return true;
}

static bool
read_anything(char const *s, size_t len, struct smtp_parameters *p)
{
	(void)s;
	(void)p;
	return len > 0;
}

static bool
read_nothing(char const *s, size_t len, struct smtp_parameters *p)
{
	(void)s;
	(void)p;
	return len == 0;
}

static bool
read_ret(char const *s, size_t len, struct smtp_parameters *p)
{
	if (is_word(s, len, "FULL"))
		p->ret = 'F';
	else if (is_word(s, len, "HDRS"))
		p->ret = 'H';
	return p->ret != 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
smtp_parameter_is_xtext(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] < '!' || s[i] > '~' || s[i] == '=')
			return false;
		if (s[i] != '+')
			continue;
		if (len - i < 3)
			return false;
		high = hex(s[i + 1]);
		low = hex(s[i + 2]);
		/* It becomes a header line of a report. */
		if (high < 2 || high > 7 || low < 0 || (high == 7 && low == 15))
			return false;
		i += 2;
	}
	return true;
}

static bool
read_envid(char const *s, size_t len, struct smtp_parameters *p)
{
	p->envid = s;
	p->envid_len = len;
	return len > 0 && len <= QUEUEFILE_ENVID_MAX &&
	       smtp_parameter_is_xtext(s, len);
}

/* NEVER, or others with commas between them. */
static bool
read_notify(char const *s, size_t len, struct smtp_parameters *p)
{
	if (is_word(s, len, "NEVER")) {
		p->notify = QUEUEFILE_NOTIFY_NEVER;
		return true;
	}
	for (;;) {
		char const *comma = memchr(s, ',', len);
		size_t n = comma != NULL ? (size_t)(comma - s) : len;
		unsigned bit;

		if (is_word(s, n, "SUCCESS"))
			bit = QUEUEFILE_NOTIFY_SUCCESS;
		else if (is_word(s, n, "FAILURE"))
			bit = QUEUEFILE_NOTIFY_FAILURE;
		else if (is_word(s, n, "DELAY"))
			bit = QUEUEFILE_NOTIFY_DELAY;
		else
			return false;
		p->notify |= bit;
		if (comma == NULL)
			return true;
		s += n + 1;
		len -= n + 1;
	}
}

/* RFC 6533 3: utf-8-addr-xtext, or -unitext where SMTPUTF8 is asked for. */
static bool
is_utf8_address(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < '!' || s[i] == 127 || s[i] == '=' ||
			s[i] == '+')
			return false;
	return true;
}

static bool
read_orcpt(char const *s, size_t len, struct smtp_parameters *p)
{
	char const *semicolon = memchr(s, ';', len);
	size_t type;

	if (semicolon == NULL || len > QUEUEFILE_ORCPT_MAX)
		return false;
	type = (size_t)(semicolon - s);
	if (type == 0 || type + 1 == len)
		return false;
	for (size_t i = 0; i < type; i++)
		if (s[i] <= ' ' || s[i] > '~' ||
			strchr("()<>@,:\\\".[]=+", s[i]) != NULL)
			return false;
	p->orcpt = s;
	p->orcpt_len = len;
	if (is_word(s, type, "UTF-8"))
		return is_utf8_address(semicolon + 1, len - type - 1);
	return smtp_parameter_is_xtext(semicolon + 1, len - type - 1);
}

/* `120;R`, `-60;NT` */
static bool
read_by(char const *s, size_t len, struct smtp_parameters *p)
{
	char const *semicolon = memchr(s, ';', len);
	bool is_negative = len > 0 && *s == '-';
	size_t skip = is_negative || (len > 0 && *s == '+') ? 1 : 0;
	uint64_t n;

	if (semicolon == NULL ||
		!number(s + skip, (size_t)(semicolon - s) - skip, 9, &n))
		return false;
	len -= (size_t)(semicolon - s) + 1;
	s = semicolon + 1;
	p->by_seconds = is_negative ? -(int32_t)n : (int32_t)n;
	if (len == 2 && (s[1] == 'T' || s[1] == 't'))
		p->by_trace = true;
	else if (len != 1)
		return false;
	if (*s == 'R' || *s == 'r')
		p->by_mode = 'R';
	else if (*s == 'N' || *s == 'n')
		p->by_mode = 'N';
	else
		return false;
	/* What is late already can't be asked to be returned when it is. */
	return p->by_mode == 'N' || p->by_seconds > 0;
}

static bool
read_hold_for(char const *s, size_t len, struct smtp_parameters *p)
{
	return number(s, len, 9, &p->hold_for) && p->hold_for > 0;
}

/* s[at..at+n) as a number between min and max. */
static bool
field(char const *s, size_t at, size_t n, uint64_t min, uint64_t max,
	uint64_t *n_r)
{
	return number(s + at, n, n, n_r) && *n_r >= min && *n_r <= max;
}

bool
smtp_parameter_time(char const *s, size_t len, uint64_t *seconds_r)
{
	static unsigned char const lengths[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	uint64_t year, month, day, hour, minute, second, days;
	bool is_leap;

	if (len != 20 || s[4] != '-' || s[7] != '-' ||
		(s[10] != 'T' && s[10] != 't') || s[13] != ':' ||
		s[16] != ':' || (s[19] != 'Z' && s[19] != 'z') ||
		!field(s, 0, 4, 1970, 9999, &year) ||
		!field(s, 5, 2, 1, 12, &month) ||
		!field(s, 8, 2, 1, 31, &day) ||
		!field(s, 11, 2, 0, 23, &hour) ||
		!field(s, 14, 2, 0, 59, &minute) ||
		!field(s, 17, 2, 0, 60, &second))
		return false;
	is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (day > lengths[month - 1] + (month == 2 && is_leap ? 1u : 0u))
		return false;
	days = (year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 +
	       (year - 1601) / 400 + day - 1;
	for (size_t i = 0; i + 1 < month; i++)
		days += lengths[i];
	if (month > 2 && is_leap)
		days++;
	*seconds_r = ((days * 24 + hour) * 60 + minute) * 60 + second;
	return true;
}

static bool
read_hold_until(char const *s, size_t len, struct smtp_parameters *p)
{
	return smtp_parameter_time(s, len, &p->hold_until);
}

static bool
read_priority(char const *s, size_t len, struct smtp_parameters *p)
{
	bool is_negative = len == 2 && *s == '-';
	uint64_t n;

	if (!number(s + is_negative, len - is_negative, 1, &n) ||
		(is_negative && n == 0))
		return false;
	p->priority = is_negative ? -(int)n : (int)n;
	return true;
}

static struct {
	char const *word;
	unsigned bit;
	bool (*read)(char const *s, size_t len, struct smtp_parameters *p);
} const names[] = {
	{"SIZE=", SMTP_PARAMETER_SIZE, read_size},
	{"BODY=", SMTP_PARAMETER_BODY, read_body},
	{"AUTH=", SMTP_PARAMETER_AUTH, read_anything},
	{"SMTPUTF8", SMTP_PARAMETER_UTF8, read_nothing},
	{"RET=", SMTP_PARAMETER_RET, read_ret},
	{"ENVID=", SMTP_PARAMETER_ENVID, read_envid},
	{"NOTIFY=", SMTP_PARAMETER_NOTIFY, read_notify},
	{"ORCPT=", SMTP_PARAMETER_ORCPT, read_orcpt},
	{"BY=", SMTP_PARAMETER_BY, read_by},
	{"HOLDFOR=", SMTP_PARAMETER_HOLD, read_hold_for},
	{"HOLDUNTIL=", SMTP_PARAMETER_HOLD, read_hold_until},
	{"REQUIRETLS", SMTP_PARAMETER_TLS, read_nothing},
	{"MT-PRIORITY=", SMTP_PARAMETER_PRIORITY, read_priority},
};

bool
smtp_parameter_parse(char const *s, size_t len, unsigned known,
	struct smtp_parameters *p, enum smtp_parameter_error *error_r)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = smtp_word(s, len, names[i].word);

		if (n == 0 || !(known & names[i].bit))
			continue;
		*error_r = SMTP_PARAMETER_VALUE;
		if (p->given & names[i].bit)
			return false;
		p->given |= names[i].bit;
		return names[i].read(s + n, len - n, p);
	}
	*error_r = SMTP_PARAMETER_UNKNOWN;
	return false;
}
