/*
 * doctor.h - what the examinations of `kereru check` share
 *
 * One examination a file, listed in check.c. It looks at one concern, and
 * reports each fault with doctor_find. The process itself is root, knows
 * nothing that is secret, and reads nothing that is foreign: whoever needs one
 * of the two is a child (apart.h).
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include "common/admin/config.h"
#include "common/admin/check/finding.h"

struct doctor {
	char const *folder;   /* of the text files */
	struct config config; /* read as config_read_public does */
	char const *hostname, *state, *libexec;
	char prefix[512]; /* of what was installed with this program */
	/* Options; NULL: not given. */
	char const *mailbox, *password_file, *outward;
	char const *signed_name, *bogus_name;
	/* Who reports, and where to. */
	char const *section;
	struct finding_printer printer;
	int report_fd; /* of a child of apart.h; else -1 */
	unsigned count;
	enum finding_weight worst; /* 0: nothing was found */
	/* What others need not look for any more. */
	bool resolver_is_silent;
	char down[256]; /* services that are down, each with a blank behind */
};

/* Report. words: NULL ones are empty. */
void doctor_find(struct doctor *d, enum finding_kind kind, unsigned line,
	char const *subject, char const *word1, char const *word2,
	char const *word3);
/* The same of one that came from a child; what it holds is not trusted. */
void doctor_take(struct doctor *d, struct finding *f);

/* A setting in its normal form. */
char const *doctor_setting(struct doctor const *d, char const *key);

/* s6's folder of a service below scan, or of its log; into path. */
void doctor_service_path(struct doctor const *d, char const *service,
	char const *below, char *path_r, size_t size);
bool doctor_is_down(struct doctor const *d, char const *service);

/*
 * The address to connect to for the first of a listen-* setting: its own, or
 * loopback where it is any. False: the setting is empty. sockaddr_r has room
 * for IPv6.
 */
struct sockaddr_storage;
bool doctor_listener(struct doctor const *d, char const *setting,
	struct sockaddr_storage *address_r, unsigned *len_r, char *text_r,
	size_t size) __attribute__((warn_unused_result));

/* The examinations. */
typedef void doctor_examination(struct doctor *d);
doctor_examination text_examine, modes_examine, tables_examine,
	certificates_examine, relay_examine, services_examine, ports_examine,
	disk_examine, clock_examine, ntp_examine, kernel_examine,
	queuefiles_examine, resolver_examine, records_examine, reverse_examine,
	blocklists_examine, outward_examine, testmail_examine;

#endif
