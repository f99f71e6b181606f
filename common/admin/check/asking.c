/* What examinations ask the DNS. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
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

void
asking_own(struct doctor *d, struct dns *dns, struct asking_own *own_r,
	char const **why_r)
{
	struct dns_question q[] = {{.name = d->hostname, .type = DNS_A},
		{.name = d->hostname, .type = DNS_AAAA}};

	own_r->count = 0;
	*why_r = NULL;
	dns_ask(dns, q, 2, ASKING_MS);
	for (size_t i = 0; i < 2; i++) {
		if (q[i].status == DNS_TEMPORARY)
			*why_r = q[i].why;
		for (size_t j = 0; q[i].status == DNS_FOUND &&
				   j < q[i].reply.record_count &&
				   own_r->count < ASKING_OWN;
			j++)
			own_r->count += asking_address(
				&q[i], j, own_r->text[own_r->count]);
	}
	dns_free(q, 2);
}
