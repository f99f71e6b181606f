/* What examinations ask the DNS. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/ownaddresses.h"
#include "common/admin/check/asking.h"

void
asking_run(struct doctor *d, void (*examine)(struct doctor *d, void *data),
	void *data)
{
	if (!d->resolver_is_silent)
		apart_run_as(d, "remote", examine, data, 120);
}

void
asking_open(struct doctor *d, struct dns *dns)
{
	if (!dns_open(dns, doctor_setting(d, "resolver")))
		_exit(111);
	apart_confine();
}

bool
asking_address(
	struct dns_question const *q, size_t i, char text_r[INET6_ADDRSTRLEN])
{
	unsigned char address[16];
	size_t len = dns_record_address(&q->reply, i, address);

	return inet_ntop(len == 4 ? AF_INET : AF_INET6, address, text_r,
		       INET6_ADDRSTRLEN) != NULL;
}

static void
add_own(struct asking_own *own, char const *address, char const *name)
{
	for (size_t i = 0; i < own->count; i++)
		if (strcmp(own->text[i], address) == 0)
			return;
	if (own->count == ASKING_OWN)
		return;
	snprintf(own->text[own->count], sizeof own->text[0], "%s", address);
	snprintf(own->name[own->count], sizeof own->name[0], "%s", name);
	own->count++;
}

/* Lines of `ADDRESS NAME`. A private one is another by the time that others see
 * it. They come first: what they greet with goes before the host's name. */
static void
add_outgoing(struct asking_own *own, stralloc const *lines)
{
	size_t at = 0;

	while (at < lines->len) {
		char line[INET6_ADDRSTRLEN + DNS_NAME_SIZE], *blank;
		char const *s = lines->s + at;
		char const *end = memchr(s, '\n', lines->len - at);
		size_t len = end != NULL ? (size_t)(end - s) : lines->len - at;
		snprintf(line, sizeof line, "%.*s", (int)len, s);
		at += len + 1;
		blank = strchr(line, ' ');
		if (blank == NULL)
			continue;
		*blank = '\0';
		if (ownaddresses_is_public(line))
			add_own(own, line, blank + 1);
	}
}

void
asking_own(struct doctor *d, struct dns *dns, struct asking_own *own_r,
	char const **why_r)
{
	struct dns_question q[] = {{.name = d->hostname, .type = DNS_A},
		{.name = d->hostname, .type = DNS_AAAA}};

	char const *hello = doctor_setting(d, "remote-hello");
	char text[INET6_ADDRSTRLEN];

	own_r->count = 0;
	add_outgoing(own_r, &d->config.outgoing);
	*why_r = NULL;
	dns_ask(dns, q, 2, ASKING_MS);
	for (size_t i = 0; i < 2; i++) {
		if (q[i].status == DNS_TEMPORARY)
			*why_r = q[i].why;
		for (size_t j = 0;
			q[i].status == DNS_FOUND && j < q[i].reply.record_count;
			j++)
			if (asking_address(&q[i], j, text))
				add_own(own_r, text,
					*hello != '\0' ? hello : d->hostname);
	}
	dns_free(q, 2);
}
