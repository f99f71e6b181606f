/* The addresses of forwarded mail: see forward.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/log.h"
#include "common/settings.h"
#include "common/srs.h"
#include "queue/forward.h"
#include "queue/host.h"
#include "queue/loop.h"

#define FLAGS (ADDR_ALLOW_LONG | ADDR_ALLOW_UTF8)

static unsigned char key[SRS_KEY_LEN];
static bool has_key;
static char const *domain;

void
forward_open(int tables_fd, struct table const *settings)
{
	int fd = openat(tables_fd, "srs.key", O_RDONLY | O_CLOEXEC);

	domain = settings_text(settings, "forward-domain");
	has_key = fd >= 0 && domain != NULL &&
		  read(fd, key, sizeof key) == (ssize_t)sizeof key;
	if (!has_key && errno != ENOENT)
		log_error("no-srs-key", NULL, (char *)0);
	if (fd >= 0)
		close(fd);
}

/* Whether it is whoever sends the message on. Not merely somebody of ours: for
 * whom came here under such a name from elsewhere SPF would speak then. */
static bool
is_own(struct queued const *m)
{
	return route_owns(&host.tables, m->q.sender, m->q.sender_len,
		       host_dropper(m)) > 0;
}

void
forward_set_sender(struct queued *m)
{
	char made[SRS_ADDRESS_SIZE];
	enum addr_error ignored;
	struct addr a;
	size_t len;

	if (!has_key || m->forward_sender != NULL || m->q.sender_len == 0 ||
		!(m->q.flags & QUEUEFILE_FORWARDED) || is_own(m) ||
		!addr_parse(m->q.sender, m->q.sender_len, FLAGS, &a, &ignored))
		return;
	len = srs_forward(key, loop_time(), &a, domain, made);
	if (len > 0)
		m->forward_sender = strdup(made);
}

enum forward_undone
forward_undo(struct queued *m, size_t recipient)
{
	struct queuefile_recipient const *to = &m->q.recipients[recipient];
	char made[SRS_ADDRESS_SIZE];
	enum addr_error ignored;
	struct addr a;
	size_t len;

	if (m->fates[recipient].instead != NULL)
		return FORWARD_DONE;
	if (!has_key || m->q.sender_len > 0 ||
		!addr_parse(
			to->address, to->address_len, FLAGS, &a, &ignored) ||
		!srs_is_form(a.local, a.local_len))
		return FORWARD_NOT;
	if (srs_reverse(key, loop_time(), a.local, a.local_len, made, &len) !=
		SRS_FINE)
		return FORWARD_FORGED;
	m->fates[recipient].instead = strdup(made);
	return m->fates[recipient].instead != NULL ? FORWARD_DONE
						   : FORWARD_LATER;
}
