/* What the writer and the parser of queue files both know. */
#include <string.h>
#include "common/queuefile_form.h"

struct queuefile_name const queuefile_flags[] = {
	{QUEUEFILE_8BIT, "8bit"},
	{QUEUEFILE_UTF8, "utf8"},
	{QUEUEFILE_EXPANDED, "expanded"},
	{QUEUEFILE_OWN, "own"},
	{QUEUEFILE_BINARY, "binary"},
	{QUEUEFILE_REQUIRETLS, "requiretls"},
	{QUEUEFILE_JUNK, "junk"},
	{QUEUEFILE_COMMAND, "command"},
	{QUEUEFILE_DOUBLE, "double"},
	{QUEUEFILE_FORWARDED, "forwarded"},
	{QUEUEFILE_VERP, "verp"},
	{QUEUEFILE_HOLD, "hold"},
	{0, NULL},
};

struct queuefile_name const queuefile_notify[] = {
	{QUEUEFILE_NOTIFY_NEVER, "never"},
	{QUEUEFILE_NOTIFY_SUCCESS, "success"},
	{QUEUEFILE_NOTIFY_FAILURE, "failure"},
	{QUEUEFILE_NOTIFY_DELAY, "delay"},
	{0, NULL},
};

void
queuefile_digits(char out[QUEUEFILE_DIGITS], uint64_t n)
{
	for (size_t i = QUEUEFILE_DIGITS; i-- > 0; n /= 10)
		out[i] = (char)('0' + n % 10);
}

void
queuefile_why(char out[QUEUEFILE_WHY_WIDTH], char const *s, size_t len)
{
	if (len > QUEUEFILE_WHY_WIDTH)
		len = QUEUEFILE_WHY_WIDTH;
	for (size_t i = 0; i < len; i++)
		out[i] = s[i] >= ' ' && s[i] < 127 ? s[i] : '?';
	memset(out + len, ' ', QUEUEFILE_WHY_WIDTH - len);
}

bool
queuefile_is_clean(char const *s, size_t len, size_t max)
{
	if (len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return false;
	return true;
}

bool
queuefile_is_word(char const *s, size_t len, size_t max)
{
	return len > 0 && queuefile_is_clean(s, len, max) &&
	       memchr(s, ' ', len) == NULL;
}

bool
queuefile_is_notify(unsigned notify)
{
	return notify < 16 && (!(notify & QUEUEFILE_NOTIFY_NEVER) ||
				      notify == QUEUEFILE_NOTIFY_NEVER);
}

/* It stands between angle brackets in a field, with the token behind it. */
bool
queuefile_is_url(char const *s, size_t len)
{
	static char const scheme[] = "https://";

	if (len <= sizeof scheme - 1 || len > QUEUEFILE_URL_MAX ||
		memcmp(s, scheme, sizeof scheme - 1) != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 127 || memchr("<>,\"\\", s[i], 5))
			return false;
	return true;
}

bool
queuefile_is_token(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			    (s[i] >= 'A' && s[i] <= 'Z') ||
			    (s[i] >= '0' && s[i] <= '9') || s[i] == '-' ||
			    s[i] == '_'))
			return false;
	return len > 0 && len <= QUEUEFILE_TOKEN_MAX;
}

bool
queuefile_is_verp_sound(struct queuefile const *q)
{
	bool is_verp = q->flags & QUEUEFILE_VERP;

	if (q->recipient_count >
		(is_verp ? QUEUEFILE_VERP_MAX : QUEUEFILE_RECIPIENTS_MAX))
		return false;
	return is_verp ? q->sender_len > 0 : q->unsubscribe == NULL;
}
