/* Ids that stay, and the date of saving; see objectid.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sodium.h>

#include "imapd/meta.h"
#include "imapd/objectid.h"
#include "common/uidlist.h"

/* A day: clocks differ. */
#define AHEAD_S 86400

/* RFC 8474, 4: letters, digits, `_` and `-`. */
static bool
is_plain(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') ||
			    (s[i] >= 'a' && s[i] <= 'z') ||
			    (s[i] >= 'A' && s[i] <= 'Z')))
			return false;
	return len > 0 && len < OBJECTID_MAX;
}

static void
make(char *out, char const *guid, size_t len, uint32_t validity)
{
	if (is_plain(guid, len))
		(void)snprintf(out, OBJECTID_MAX + 1, "F%.*s", (int)len, guid);
	else
		(void)snprintf(
			out, OBJECTID_MAX + 1, "V%lu", (unsigned long)validity);
}

void
objectid_mailbox(struct mailbox const *m, char *out)
{
	make(out, m->guid, strlen(m->guid), m->validity);
}

bool
objectid_folder(int folder_fd, char *out)
{
	stralloc text = STRALLOC_ZERO;
	struct uidlist_header h = {0};
	bool ok = uidlist_read(folder_fd, &text) > 0;

	if (ok) {
		char const *const lf = memchr(text.s, '\n', text.len);

		ok = lf != NULL &&
		     uidlist_parse_header(text.s, (size_t)(lf - text.s), &h);
		if (ok)
			make(out, h.guid, h.guid_len, h.validity);
		else
			errno = ENOENT;
	}
	stralloc_free(&text);
	return ok;
}

void
objectid_email(unsigned char const *digest, char *out)
{
	out[0] = 'M';
	sodium_bin2hex(
		out + 1, 2 * META_DIGEST_LEN + 1, digest, META_DIGEST_LEN);
}

bool
objectid_savedate(char const *name, int64_t *seconds_r)
{
	int64_t n = 0;
	size_t i = 0;

	for (; name[i] >= '0' && name[i] <= '9' && i < 12; i++)
		n = n * 10 + (name[i] - '0');
	*seconds_r = n;
	return i > 0 && name[i] == '.' && n > 0 &&
	       n <= (int64_t)time(NULL) + AHEAD_S;
}
