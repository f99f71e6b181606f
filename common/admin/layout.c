/* Who owns what below a host's state folder, and with which mode. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/layout.h"
#include "common/admin/publish.h"

/* doc/QUEUE.md says why the queue's folders have these modes. */
struct layout const layout_table[] = {
	{"", LAYOUT_FOLDER, NULL, NULL, 0755},
	{"tables", LAYOUT_FOLDER, NULL, NULL, 0755},
	{"queue", LAYOUT_FOLDER, "queue", LAYOUT_DROP, 0710},
	{"queue/tmp", LAYOUT_FOLDER, "queue", "queue", 03733},
	{"queue/new", LAYOUT_FOLDER, "queue", "queue", 03733},
	{"queue/cur", LAYOUT_FOLDER, "queue", "queue", 0700},
	{"queue/bad", LAYOUT_FOLDER, "queue", "queue", 0700},
	{"mail", LAYOUT_FOLDER, NULL, NULL, 0711},
	{"empty", LAYOUT_FOLDER, NULL, NULL, 0555},
	{"auth", LAYOUT_FOLDER, "auth", "auth", 0700},
	{"check", LAYOUT_FOLDER, "check", "check", 0700},
	{"policy", LAYOUT_FOLDER, "policy", "policy", 0700},
	/* What is made there is remote's group's: it may call. */
	{"sts", LAYOUT_FOLDER, "sts", "remote", 02710},
	{"sts/cache", LAYOUT_FOLDER, "sts", "sts", 0700},
	{"sts/reports", LAYOUT_FOLDER, "sts", "sts", 0700},
	{"log", LAYOUT_FOLDER, NULL, NULL, 0755},
	{"metrics", LAYOUT_FOLDER, NULL, NULL, 0700},
	{"scan", LAYOUT_FOLDER, NULL, NULL, 0755},
	/* The manager writes it over, and those who accept mail hold it open
	 * from their start on. */
	{"queue/load", LAYOUT_FILE, "queue", "queue", 0644},
	{"tables/settings.cdb", LAYOUT_TABLE, NULL, NULL, 0644},
	{"tables/recipients.cdb", LAYOUT_TABLE, NULL, "queue", 0640},
	{"tables/aliases.cdb", LAYOUT_TABLE, NULL, "queue", 0640},
	{"tables/routes.cdb", LAYOUT_TABLE, NULL, "queue", 0640},
	{"tables/tls-policy.cdb", LAYOUT_TABLE, NULL, NULL, 0644},
	{"tables/relay-logins.cdb", LAYOUT_TABLE, NULL, "remote", 0640},
	{"tables/users.cdb", LAYOUT_TABLE, NULL, NULL, 0600},
	{"tables/passwords.cdb", LAYOUT_TABLE, NULL, NULL, 0600},
	{"tables/networks.cdb", LAYOUT_TABLE, NULL, NULL, 0600},
	{"tables/dkim.cdb", LAYOUT_TABLE, NULL, "sign", 0640},
	{"tables/srs.key", LAYOUT_TABLE, NULL, "queue", 0640},
	{"tables/certs", LAYOUT_TABLE, NULL, NULL, 0644},
	{"tables/keys", LAYOUT_TABLE, NULL, NULL, 0600},
	/* With the first mailbox. */
	{"uids", LAYOUT_LATER, NULL, NULL, 0600},
};
size_t const layout_count = sizeof layout_table / sizeof *layout_table;

bool
layout_owner(struct layout const *l, struct values const *v, uid_t *uid_r,
	gid_t *gid_r)
{
	struct account owner = {0}, group = {0};

	if (l->owner != NULL && !values_account(v, l->owner, &owner))
		return false;
	if (l->group != NULL && strcmp(l->group, LAYOUT_DROP) == 0) {
		if (!values_group_drop(v, &group.gid))
			return false;
	} else if (l->group != NULL && !values_account(v, l->group, &group)) {
		return false;
	}
	*uid_r = owner.uid;
	*gid_r = group.gid;
	return true;
}

bool
layout_publish(struct values const *v, char const *path, int fd)
{
	for (size_t i = 0; i < layout_count; i++) {
		struct layout const *l = &layout_table[i];
		uid_t uid;
		gid_t gid;
		if (strcmp(l->path, path) == 0 &&
			layout_owner(l, v, &uid, &gid))
			return publish_close(fd, uid, gid, l->mode);
	}
	close(fd);
	errno = EINVAL;
	return false;
}
