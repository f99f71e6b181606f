/* The mailboxes that the host shares; see share.h. */
#include <stdio.h>
#include <string.h>

#include "imapd/share.h"

/* The next word of a line, which ends at end. False: there is none. */
static bool
word(char const **at, char const *end, char const **word_r, size_t *len_r)
{
	char const *stop;

	while (*at < end && **at == ' ')
		++*at;
	stop = memchr(*at, ' ', (size_t)(end - *at));
	if (stop == NULL)
		stop = end;
	*word_r = *at;
	*len_r = (size_t)(stop - *at);
	*at = stop;
	return *len_r > 0;
}

static bool
is(char const *s, size_t len, char const *text)
{
	return len == strlen(text) && memcmp(s, text, len) == 0;
}

static void
judge(char const *s, size_t len, char const *user, struct share *share)
{
	static char const admin[] = "admin:";
	char const *const at = strrchr(user, '@');
	size_t const skip = sizeof admin - 1;

	if (len > skip && memcmp(s, admin, skip) == 0 &&
		is(s + skip, len - skip, user))
		share->administers = share->takes_part = true;
	else if (is(s, len, "*") || is(s, len, user) ||
		 (*s == '@' && at != NULL && is(s, len, at)))
		share->takes_part = true;
}

bool
share_next(
	char const *text, size_t *pos, char const *user, struct share *share_r)
{
	char const *name, *s;
	size_t name_len, len;

	while (text[*pos] != '\0') {
		char const *at = text + *pos;
		char const *const end = at + strcspn(at, "\n");

		*pos = (size_t)(end - text) + (*end == '\n');
		if (!word(&at, end, &name, &name_len) ||
			name_len > SHARE_NAME_MAX ||
			!word(&at, end, &s, &len) || len > SHARE_MAILBOX_MAX)
			continue;
		share_r->takes_part = share_r->administers = false;
		(void)snprintf(share_r->prefix, sizeof share_r->prefix,
			SHARE_ROOT "%c%.*s", BOXNAME_SEPARATOR, (int)name_len,
			name);
		memcpy(share_r->mailbox, s, len);
		share_r->mailbox[len] = '\0';
		while (word(&at, end, &s, &len))
			judge(s, len, user, share_r);
		return true;
	}
	return false;
}

bool
share_of(char const *text, char const *mailbox, char const *user,
	struct share *share_r)
{
	size_t pos = 0;

	while (share_next(text, &pos, user, share_r))
		if (strcmp(share_r->mailbox, mailbox) == 0)
			return true;
	return false;
}

bool
share_holds(struct share const *share, char const *name)
{
	size_t const len = strlen(share->prefix);

	return strncmp(name, share->prefix, len) == 0 &&
	       (name[len] == '\0' || name[len] == BOXNAME_SEPARATOR);
}
