/* `kereru dmarc`: check a message as a whole, and make reports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/cmd_auth.h"
#include "common/admin/command.h"
#include "common/admin/dmarc_report.h"
#include "smtpd/check/mailauth.h"

static char const usage[] =
	"usage: kereru dmarc check [--resolver ADDRESS:PORT] [--timeout MS]\n"
	"                          [--time SECONDS] [--bits BITS] [--host "
	"NAME]\n"
	"                          [--client ADDRESS] [--helo NAME] "
	"[--sender ADDRESS]\n"
	"                          [FILE...]\n"
	"       kereru dmarc check [OPTION...] --batch\n"
	"       kereru dmarc report --organization NAME --email ADDRESS --host "
	"NAME\n"
	"                           --begin SECONDS --end SECONDS\n"
	"                           [--domain DOMAIN | --folder DIR] [FILE]\n";

struct envelope {
	char const *client, *helo, *sender;
};

static void
tell(char const *path, struct mailauth_results const *results)
{
	struct dmarc_result const *r = &results->dmarc;

	printf("%s\t%s\tfrom=%s\tpolicy=%s\tdomain=%s\tdisposition=%s\t"
	       "spf=%s\tdkim=%s\t%s\n",
		path, dmarc_name(r->code), r->from,
		dmarc_policy_name(r->policy), r->policy_domain,
		dmarc_policy_name(r->disposition),
		r->spf_aligned ? "pass" : "fail",
		r->dkim_aligned ? "pass" : "fail",
		r->why != NULL ? r->why : "");
}

/* The line that would be collected for reports. */
static void
tell_line(struct mailauth_request const *request,
	struct mailauth_results const *results)
{
	char line[DMARC_LINE_MAX];
	size_t len = dmarc_line_make(
		request, results, results->dmarc.disposition, "", line);

	if (len > 0)
		printf("data: %.*s", (int)len, line);
}

static bool
check(struct cmd_auth *a, struct envelope const *envelope, char const *path,
	bool is_verbose)
{
	struct mailauth_request request = {.client = envelope->client,
		.helo = envelope->helo,
		.sender = envelope->sender,
		.host = a->host,
		.now = a->now,
		.bits_min = a->bits_min,
		.flags = *envelope->client == '\0' ? MAILAUTH_NO_SPF : 0};
	struct mailauth_results *results = calloc(1, sizeof *results);
	struct query query;
	char *bytes;
	size_t len;
	bool is_done;

	if (results == NULL || !cmd_auth_read(path, &bytes, &len)) {
		free(results);
		return false;
	}
	request.message = (struct source){.bytes = bytes, .len = len};
	cmd_auth_query(a, &query);
	is_done = mailauth_run(&request, &query, results);
	if (is_done) {
		tell(path, results);
		if (is_verbose)
			printf("Authentication-Results: %s\n", results->value);
		if (is_verbose)
			tell_line(&request, results);
		fflush(stdout);
	} else {
		fprintf(stderr, "kereru: out of memory\n");
	}
	mailauth_free(results);
	query_free(&query);
	free(bytes);
	free(results);
	return is_done;
}

/* Lines of client, HELO, sender and file, tabs between; a line for each. */
static bool
batch(struct cmd_auth *a)
{
	char *line;

	while ((line = cmd_auth_line()) != NULL) {
		struct envelope e;
		e.client = cmd_auth_field(&line);
		e.helo = cmd_auth_field(&line);
		e.sender = cmd_auth_field(&line);
		if (!check(a, &e, line, false))
			return false;
	}
	return true;
}

static bool
take_option(struct envelope *e, int argc, char const *const *argv, int *i)
{
	static char const *const names[] = {"--client", "--helo", "--sender"};
	char const **const values[] = {&e->client, &e->helo, &e->sender};

	for (size_t j = 0; j < 3; j++)
		if (strcmp(argv[*i], names[j]) == 0 && *i + 1 < argc) {
			*values[j] = argv[*i + 1];
			*i += 2;
			return true;
		}
	return false;
}

static int
check_all(int argc, char const *const *argv)
{
	struct envelope e = {"", "", ""};
	struct cmd_auth a;
	bool is_batch = false, is_done = true;
	int i = 1, r;

	cmd_auth_init(&a, "dmarc check");
	while (i < argc && strncmp(argv[i], "--", 2) == 0) {
		r = cmd_auth_option(&a, argc, argv, &i);
		if (r < 0)
			return COMMAND_PERMANENT;
		if (r > 0 || take_option(&e, argc, argv, &i))
			continue;
		if (strcmp(argv[i++], "--batch") != 0) {
			fputs(usage, stderr);
			return COMMAND_PERMANENT;
		}
		is_batch = true;
	}
	if (!cmd_auth_open(&a))
		return COMMAND_TEMPORARY;
	if (is_batch)
		is_done = batch(&a);
	else if (i == argc)
		is_done = check(&a, &e, "-", true);
	for (; i < argc && is_done; i++)
		is_done = check(&a, &e, argv[i], true);
	cmd_auth_close(&a);
	return is_done ? COMMAND_OK : COMMAND_TEMPORARY;
}

struct report_options {
	char const *begin, *end, *domain, *folder;
};

static bool
is_domain(struct dmarc_line const *l, char const *domain)
{
	size_t len = strlen(domain);

	return l->fields[DMARC_FIELD_DOMAIN].len == len &&
	       memcmp(l->fields[DMARC_FIELD_DOMAIN].s, domain, len) == 0;
}

/* RFC 9990 3.5.2: the name of the file; told with where to send it. */
static bool
write_file(
	struct dmarc_report const *r, char const *folder, size_t at, size_t end)
{
	struct dmarc_line const *l = dmarc_report_newest(r, at, end);
	char path[1024];
	FILE *out;
	int n = snprintf(path, sizeof path, "%s/%s!%.*s!%llu!%llu.xml", folder,
		r->host, (int)l->fields[DMARC_FIELD_DOMAIN].len,
		l->fields[DMARC_FIELD_DOMAIN].s, (unsigned long long)r->begin,
		(unsigned long long)r->end);

	/* A domain is foreign text, though of the letters of names alone. */
	if (n < 0 || (size_t)n >= sizeof path ||
		memchr(l->fields[DMARC_FIELD_DOMAIN].s, '/',
			l->fields[DMARC_FIELD_DOMAIN].len) != NULL)
		return false;
	out = fopen(path, "wxe");
	if (out == NULL) {
		perror(path);
		return false;
	}
	dmarc_report_write(r, at, end, out);
	bool is_written = !ferror(out);
	if (fclose(out) != 0 || !is_written) {
		perror(path);
		return false;
	}
	printf("%s\t%.*s\n", path, (int)l->fields[DMARC_FIELD_RUA].len,
		l->fields[DMARC_FIELD_RUA].s);
	return true;
}

static int
write_reports(struct dmarc_report const *r, struct report_options const *o)
{
	size_t at = 0, end;
	bool is_done = true;

	for (; dmarc_report_next(r, &at, &end); at = end) {
		if (o->domain != NULL && !is_domain(&r->lines[at], o->domain))
			continue;
		if (o->domain != NULL)
			dmarc_report_write(r, at, end, stdout);
		else
			is_done &= write_file(r, o->folder, at, end);
	}
	if (r->bad > 0)
		fprintf(stderr, "kereru: dmarc report: %zu lines left out\n",
			r->bad);
	return is_done ? COMMAND_OK : COMMAND_TEMPORARY;
}

static bool
take_report_options(struct dmarc_report *r, struct report_options *o, int argc,
	char const *const *argv, int *i)
{
	struct {
		char const *name;
		char const **value;
	} const known[] = {
		{"--organization", &r->organization},
		{"--email", &r->email},
		{"--host", &r->host},
		{"--begin", &o->begin},
		{"--end", &o->end},
		{"--domain", &o->domain},
		{"--folder", &o->folder},
	};
	size_t j;

	while (*i < argc && strncmp(argv[*i], "--", 2) == 0) {
		for (j = 0; j < sizeof known / sizeof *known; j++)
			if (strcmp(argv[*i], known[j].name) == 0)
				break;
		if (j == sizeof known / sizeof *known || *i + 1 >= argc)
			return false;
		*known[j].value = argv[*i + 1];
		*i += 2;
	}
	return r->organization != NULL && r->email != NULL && r->host != NULL &&
	       o->begin != NULL && o->end != NULL && argc - *i <= 1;
}

static int
report(int argc, char const *const *argv)
{
	struct dmarc_report r = {0};
	struct report_options o = {.folder = "."};
	char *bytes;
	size_t len;
	int i = 1, code = COMMAND_TEMPORARY;

	if (!take_report_options(&r, &o, argc, argv, &i)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	r.begin = strtoull(o.begin, NULL, 10);
	r.end = strtoull(o.end, NULL, 10);
	if (!cmd_auth_read_raw(i < argc ? argv[i] : "-", &bytes, &len))
		return COMMAND_TEMPORARY;
	if (dmarc_report_read(&r, bytes, len))
		code = write_reports(&r, &o);
	else
		fprintf(stderr, "kereru: out of memory\n");
	dmarc_report_free(&r);
	free(bytes);
	return code;
}

int
command_dmarc(
	struct command_context const *x, int argc, char const *const *argv)
{
	(void)x;
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return check_all(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "report") == 0)
		return report(argc - 1, argv + 1);
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
