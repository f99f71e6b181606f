/*
 * Any message, with any answers from the DNS: both come from the input, the
 * answers in front as octets of length and text. What is told is bounded and
 * reads back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/authres.h"
#include "smtpd/check/dmarc_line.h"
#include "smtpd/check/mailauth.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

struct answers {
	uint8_t const *s;
	size_t len;
};

static void
answer(struct query *query, struct query_question *q, size_t count,
	int timeout_ms)
{
	struct answers *a = query->data;

	(void)timeout_ms;
	for (size_t i = 0; i < count; i++) {
		size_t n = a->len > 0 ? a->s[0] : 0;
		if (a->len > 0) {
			a->s++;
			a->len--;
		}
		q[i].status = n > 250  ? DNS_TEMPORARY
			      : n == 0 ? DNS_NXDOMAIN
				       : DNS_FOUND;
		if (q[i].status != DNS_FOUND)
			continue;
		if (n > a->len)
			n = a->len;
		/* Twice, so that there are several of a kind too. */
		for (unsigned j = 0; j < 1 + n % 2; j++)
			if (!query_add(query, &q[i], 0, (char const *)a->s, n))
				q[i].status = DNS_TEMPORARY;
		a->s += n;
		a->len -= n;
	}
}

static void
judge(struct mailauth_results const *r)
{
	struct authres_reader reader;
	struct authres_result one;
	struct authres_text id;
	int code;

	if (r->value_len >= MAILAUTH_VALUE_MAX ||
		r->dkim.count > DKIM_SIGNATURES_MAX ||
		!authres_start(&reader, r->value, r->value_len, &id))
		abort();
	while ((code = authres_next(&reader, &one)) > 0)
		;
	if (code < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct mailauth_results results;
	struct mailauth_request request = {.client = "192.0.2.1",
		.helo = "h.example.org",
		.sender = "a@b.example.org",
		.host = "mx.example.net",
		.now = 1700000000};
	char line[DMARC_LINE_MAX];
	struct dmarc_line parsed;
	struct answers answers;
	struct query query;
	size_t n;

	if (size < 2)
		return 0;
	n = (size_t)data[0] << 2;
	if (n > size - 1)
		n = size - 1;
	answers = (struct answers){data + 1, n};
	request.message = (struct source){
		.bytes = (char const *)data + 1 + n, .len = size - 1 - n};
	query_init(&query, answer, &answers, 1000);
	if (!mailauth_run(&request, &query, &results))
		abort();
	judge(&results);
	n = dmarc_line_make(&request, &results, DMARC_POLICY_NONE, "", line);
	if (n > 0 && !dmarc_line_parse(line, n - 1, &parsed))
		abort();
	mailauth_free(&results);
	query_free(&query);
	return 0;
}
