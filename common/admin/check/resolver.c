/* The resolver: whether it answers, and whether it validates. */
#include <string.h>
#include "common/admin/check/asking.h"

enum { OWN, SIGNED, BOGUS, QUESTIONS };

static void
judge(struct doctor *d, struct dns const *dns, struct dns_question const *q,
	char const *name, char const *first)
{
	struct values const *v = &d->config.values;
	unsigned line = values_line(v, "resolver");

	if (q[OWN].status == DNS_TEMPORARY &&
		q[SIGNED].status == DNS_TEMPORARY) {
		doctor_find(d, FIND_RESOLVER_SILENT, 0, name, q[OWN].why, first,
			d->hostname);
		return;
	}
	if (!dns->local) {
		doctor_find(d, FIND_RESOLVER_FAR, line, name, v->text.path,
			NULL, NULL);
		return;
	}
	if (q[SIGNED].status == DNS_TEMPORARY)
		doctor_find(d, FIND_RESOLVER_BROKEN, 0, name, d->signed_name,
			q[SIGNED].why, NULL);
	else if (!q[SIGNED].authentic)
		doctor_find(d, FIND_RESOLVER_PLAIN, 0, name, d->signed_name,
			NULL, NULL);
	else if (q[BOGUS].status == DNS_FOUND)
		doctor_find(d, FIND_RESOLVER_BOGUS, 0, name, d->bogus_name,
			NULL, NULL);
}

static void
examine(struct doctor *d, void *data)
{
	char const *name = doctor_setting(d, "resolver");
	struct dns dns;
	struct dns_question q[QUESTIONS] = {
		[OWN] = {.name = d->hostname, .type = DNS_A},
		[SIGNED] = {.name = d->signed_name, .type = DNS_A},
		[BOGUS] = {.name = d->bogus_name, .type = DNS_A}};
	char first[64] = "127.0.0.1";

	(void)data;
	if (*name != '\0' && strcspn(name, ": ") < sizeof first) {
		memcpy(first, name, strcspn(name, ": "));
		first[strcspn(name, ": ")] = '\0';
	}
	asking_open(d, &dns);
	dns_ask(&dns, q, QUESTIONS, ASKING_MS);
	judge(d, &dns, q, *name != '\0' ? name : "/etc/resolv.conf", first);
	dns_free(q, QUESTIONS);
	dns_close(&dns);
}

void
resolver_examine(struct doctor *d)
{
	asking_run(d, examine, NULL);
}
