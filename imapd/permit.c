/* What the session's user may do; see permit.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "imapd/acl.h"
#include "imapd/permit.h"

unsigned
permit_rights(struct session const *s, char const *name)
{
	stralloc text = STRALLOC_ZERO;
	unsigned rights = 0;

	if (s->asker == NULL || s->asker_administers)
		return RIGHTS_ALL;
	if (!s->asker_takes_part)
		return 0;
	if (acl_load(s->root_fd, name, &text) < 0)
		log_error("acl-failed", NULL, "mailbox", name, (char *)0);
	else
		rights = acl_rights(text.s, text.len, s->asker);
	stralloc_free(&text);
	return rights;
}

static bool
exists(struct session const *s, char const *name)
{
	char dir[BOXNAME_MAX + 2];

	boxname_dir(name, dir);
	return faccessat(s->root_fd, dir, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
refuse(struct session *s, bool is_visible)
{
	if (is_visible)
		session_reply(s, "NO", "[NOPERM] Permission denied");
	else
		session_reply(s, "NO", "[NONEXISTENT] No such mailbox");
}

bool
permit(struct session *s, char const *name, unsigned need)
{
	unsigned const rights = permit_rights(s, name);

	if ((rights & need) == need)
		return true;
	refuse(s, rights & RIGHT_LOOKUP && exists(s, name));
	return false;
}

bool
permit_create(struct session *s, char const *name)
{
	char above[BOXNAME_MAX + 1];
	char *end;

	if (s->asker == NULL)
		return true;
	strcpy(above, name);
	do {
		end = strrchr(above, BOXNAME_SEPARATOR);
		if (end != NULL)
			*end = '\0';
		else
			strcpy(above, "INBOX");
	} while (end != NULL && !exists(s, above));
	if (permit_rights(s, above) & RIGHT_CREATE)
		return true;
	refuse(s, true);
	return false;
}

bool
permit_owner(struct session *s)
{
	if (s->asker == NULL)
		return true;
	refuse(s, true);
	return false;
}
