/* `kereru tlsrpt`: a day's report on TLS towards a domain (RFC 8460). */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <skalibs/djbunix.h>
#include <skalibs/stralloc.h>
#include "common/addr.h"
#include "common/admin/command.h"
#include "common/admin/tlsrpt_report.h"
#include "common/admin/values.h"

static char const usage[] =
	"usage: kereru tlsrpt YYYY-MM-DD\n"
	"       kereru tlsrpt [--to ADDRESS] DOMAIN YYYY-MM-DD\n";

/* Octets of the report on a line of base64 (76 characters). */
#define LINE_OCTETS 57u
#define LINE_TEXT                                                              \
	sodium_base64_ENCODED_LEN(LINE_OCTETS, sodium_base64_VARIANT_ORIGINAL)

static bool
is_day(char const *s)
{
	static char const form[] = "dddd-dd-dd";

	for (size_t i = 0; i < sizeof form; i++)
		if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
			return false;
	return true;
}

static bool
read_file(char const *state, char const *folder, char const *name, stralloc *sa)
{
	char path[1024];
	int n = snprintf(
		path, sizeof path, "%s/sts/%s/%s", state, folder, name);

	errno = ENAMETOOLONG;
	return n > 0 && (size_t)n < sizeof path && openslurpclose(sa, path);
}

/* The policy as it was published, behind what sts wrote of it. */
static char const *
policy_of(char const *state, char const *domain, stralloc *sa)
{
	char const *text;

	if (!read_file(state, "cache", domain, sa) ||
		!stralloc_append(sa, '\0'))
		return NULL;
	text = strstr(sa->s, "\n\n");
	return text != NULL ? text + 2 : NULL;
}

static void
write_base64(char const *s, size_t len, FILE *out)
{
	while (len > 0) {
		size_t n = len < LINE_OCTETS ? len : LINE_OCTETS;
		char text[LINE_TEXT];
		sodium_bin2base64(text, sizeof text, (unsigned char const *)s,
			n, sodium_base64_VARIANT_ORIGINAL);
		fprintf(out, "%s\n", text);
		s += n;
		len -= n;
	}
}

/* RFC 8460 5.3. It goes also where TLS fails: that is what it tells of (RFC
 * 8689 3). */
static void
write_message(struct tlsrpt_report const *r, char const *domain, char const *to,
	char const *json, size_t len)
{
	char date[64] = "", id[2 * 8 + 1];
	unsigned char random[8];
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(
			date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	randombytes_buf(random, sizeof random);
	sodium_bin2hex(id, sizeof id, random, sizeof random);
	printf("From: <postmaster@%s>\nTo: <%s>\nDate: %s\n"
	       "Subject: Report Domain: %s Submitter: %s Report-ID: "
	       "<%s.%s@%s>\n"
	       "Message-ID: <%s.tlsrpt@%s>\nTLS-Report-Domain: %s\n"
	       "TLS-Report-Submitter: %s\nTLS-Required: No\n"
	       "MIME-Version: 1.0\n"
	       "Content-Type: multipart/report; report-type=\"tlsrpt\";\n"
	       "\tboundary=\"=%s\"\n\n--=%s\n"
	       "Content-Type: text/plain; charset=us-ascii\n\n"
	       "How TLS towards %s went on %s, as %s saw it.\n\n--=%s\n"
	       "Content-Type: application/tlsrpt+json\n"
	       "Content-Transfer-Encoding: base64\n"
	       "Content-Disposition: attachment;\n"
	       "\tfilename=\"%s!%s!%s.json\"\n\n",
		r->host, to, date, domain, r->host, r->day, domain, r->host, id,
		r->host, domain, r->host, id, id, domain, r->day, r->host, id,
		r->host, domain, r->day);
	write_base64(json, len, stdout);
	printf("\n--=%s--\n", id);
}

static int
write_report(struct tlsrpt_report const *r, char const *state,
	char const *domain, char const *to)
{
	stralloc cached = STRALLOC_ZERO;
	char const *policy = policy_of(state, domain, &cached);
	char *json = NULL;
	size_t len = 0;
	FILE *out = to != NULL ? open_memstream(&json, &len) : stdout;

	if (out == NULL) {
		fprintf(stderr, "kereru: out of memory\n");
		stralloc_free(&cached);
		return COMMAND_TEMPORARY;
	}
	tlsrpt_report_write(r, domain, policy, out);
	stralloc_free(&cached);
	if (to != NULL && fclose(out) == 0)
		write_message(r, domain, to, json, len);
	free(json);
	return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_TEMPORARY;
}

static int
report(struct values const *v, char const *domain, char const *day,
	char const *to)
{
	struct tlsrpt_report r = {
		.host = values_text(v, "hostname"), .day = day};
	char const *state = values_text(v, "state");
	stralloc text = STRALLOC_ZERO;
	uint64_t good, bad;
	int code = COMMAND_TEMPORARY;

	if (!read_file(state, "reports", day, &text)) {
		fprintf(stderr, "kereru: %s/sts/reports/%s: %s\n", state, day,
			strerror(errno));
		code = errno == ENOENT ? COMMAND_PERMANENT : COMMAND_TEMPORARY;
	} else if (!tlsrpt_report_read(&r, text.s, text.len)) {
		fprintf(stderr, "kereru: out of memory\n");
	} else if (domain == NULL) {
		tlsrpt_report_list(&r, stdout);
		code = COMMAND_OK;
	} else {
		tlsrpt_report_sum(&r, domain, &good, &bad);
		if (good + bad > 0)
			code = write_report(&r, state, domain, to);
		else
			code = COMMAND_PERMANENT;
		if (good + bad == 0)
			fprintf(stderr,
				"kereru: no session with %s on that day\n",
				domain);
	}
	if (r.bad > 0)
		fprintf(stderr, "kereru: tlsrpt: %zu lines left out\n", r.bad);
	tlsrpt_report_free(&r);
	stralloc_free(&text);
	return code;
}

int
command_tlsrpt(
	struct command_context const *x, int argc, char const *const *argv)
{
	struct values v = VALUES_ZERO;
	struct faults f = {0};
	char const *to = NULL, *domain;
	enum addr_error ignored;
	struct addr a;
	int i = 1, code = COMMAND_PERMANENT;

	if (argc > 2 && strcmp(argv[1], "--to") == 0) {
		to = argv[2];
		i = 3;
	}
	domain = argc - i == 2 ? argv[i++] : NULL;
	if (argc - i != 1 || !is_day(argv[i]) ||
		(domain != NULL &&
			!addr_is_domain(domain, strlen(domain), 0)) ||
		(to != NULL && (domain == NULL || !addr_parse(to, strlen(to), 0,
							  &a, &ignored)))) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (values_read(&v, x->folder, &f) && f.count == 0)
		code = report(&v, domain, argv[i], to);
	values_free(&v);
	return code;
}
