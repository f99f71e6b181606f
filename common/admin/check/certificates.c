/* The certificates: whom they are for, who vouches for them, how long. */
#include <sodium.h>
#include <bearssl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/stralloc.h>
#include <skalibs/djbunix.h>
#include <skalibs/uint32.h>
#include "common/admin/certificate.h"
#include "common/admin/check/apart.h"
#include "common/tls.h"
#include "common/tls_anchors.h"
#include "common/tls_chain.h"
#include "common/tls_names.h"

#define WARN_DAYS 14
/* Days from the year 0, where BearSSL counts from, to 1970. */
#define DAYS_TO_1970 719528
#define DAY 86400

static bool
dates(struct doctor *d, char const *path, struct tls_certificate_der const *der)
{
	static br_x509_decoder_context x;
	int64_t now = (int64_t)time(NULL), from, to;
	char days[24];

	br_x509_decoder_init(&x, NULL, NULL);
	br_x509_decoder_push(&x, der->der, der->len);
	if (br_x509_decoder_get_pkey(&x) == NULL)
		return false;
	from = ((int64_t)x.notbefore_days - DAYS_TO_1970) * DAY +
	       x.notbefore_seconds;
	to = ((int64_t)x.notafter_days - DAYS_TO_1970) * DAY +
	     x.notafter_seconds;
	snprintf(days, sizeof days, "%lld",
		(long long)((now > to ? now - to : to - now) / DAY));
	if (now < from)
		doctor_find(
			d, FIND_CERTIFICATE_EARLY, 0, path, NULL, NULL, NULL);
	else if (now > to)
		doctor_find(
			d, FIND_CERTIFICATE_EXPIRED, 0, path, days, NULL, NULL);
	else if (now + (int64_t)WARN_DAYS * DAY > to)
		doctor_find(
			d, FIND_CERTIFICATE_EXPIRES, 0, path, days, NULL, NULL);
	return now >= from && now <= to;
}

static void
one_chain(struct doctor *d, char const *path, struct tls_chain const *chain,
	struct tls_anchors const *anchors)
{
	bool in_time = dates(d, path, &chain->list[0]);
	unsigned error;

	if (!tls_names_hold(
		    chain->list[0].der, chain->list[0].len, d->hostname))
		doctor_find(d, FIND_CERTIFICATE_NAME, 0, path, d->hostname,
			NULL, NULL);
	/* What is out of time has no chain either. */
	if (!in_time || anchors->count == 0)
		return;
	error = tls_chain_verify(chain, anchors->list, anchors->count, NULL);
	if (error != 0)
		doctor_find(d, FIND_CERTIFICATE_CHAIN, 0, path,
			doctor_setting(d, "tls-anchors"),
			tls_chain_strerror(error), d->hostname);
}

static void
read_anchors(struct doctor *d, struct tls_anchors *anchors)
{
	stralloc pem = STRALLOC_ZERO;
	char const *path = doctor_setting(d, "tls-anchors");

	*anchors = (struct tls_anchors){0};
	if (!openslurpclose(&pem, path) ||
		!tls_anchors_parse(anchors, pem.s, pem.len))
		anchors->count = 0;
	stralloc_free(&pem);
}

/* Over what certificate_read has made: common/tls.h tells its form. */
static void
walk(struct doctor *d, char const *names, stralloc const *certs)
{
	union {
		char const *in;
		unsigned char const *out;
	} at = {.in = certs->s + 4};
	struct tls_anchors anchors;

	read_anchors(d, &anchors);
	while (*names != '\0') {
		size_t len = strcspn(names, " "), count = at.out[1];
		struct tls_chain chain = {.count = count};
		char path[512];
		at.out += 2;
		for (size_t i = 0; i < count; i++) {
			uint32_t n;
			uint32_unpack_big(at.in, &n);
			chain.list[i] =
				(struct tls_certificate_der){at.out + 4, n};
			at.out += 4 + n;
		}
		snprintf(path, sizeof path, "%s%s%.*s",
			*names == '/' ? "" : d->folder,
			*names == '/' ? "" : "/", (int)len, names);
		one_chain(d, path, &chain, &anchors);
		names += len + (names[len] == ' ');
	}
}

static void
in_use(struct doctor *d, stralloc const *certs)
{
	stralloc now = STRALLOC_ZERO;
	char path[512];

	snprintf(path, sizeof path, "%s/tables/certs", d->state);
	if (openslurpclose(&now, path) &&
		(now.len != certs->len ||
			memcmp(now.s, certs->s, now.len) != 0))
		doctor_find(
			d, FIND_CERTIFICATE_UNUSED, 0, path, NULL, NULL, NULL);
	stralloc_free(&now);
}

static void
examine(struct doctor *d, void *data)
{
	char const *names = data;
	struct faults f = {.is_silent = true};
	stralloc certs = STRALLOC_ZERO, keys = STRALLOC_ZERO;

	if (!certificate_read(d->folder, names, &certs, &keys, &f))
		_Exit(111);
	sodium_memzero(keys.s, keys.len);
	if (f.count > 0) /* text.c tells it */
		return;
	walk(d, names, &certs);
	in_use(d, &certs);
}

void
certificates_examine(struct doctor *d)
{
	struct values const *v = &d->config.values;
	char *names = strdup(values_text(v, "tls-certificates"));

	if (names == NULL)
		return;
	if (*names == '\0')
		doctor_find(d, FIND_CERTIFICATE_NONE,
			values_line(v, "tls-certificates"), v->text.path,
			d->hostname, NULL, NULL);
	else
		apart_run(d, 0, 0, examine, names, 60);
	free(names);
}
