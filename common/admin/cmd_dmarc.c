/* `kereru dmarc`: check a message as a whole, and make reports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/cmd_auth.h"
#include "common/admin/command.h"
#include "smtpd/check/mailauth.h"

static char const usage[] =
	"usage: kereru dmarc check [--resolver ADDRESS:PORT] [--timeout MS]\n"
	"                          [--time SECONDS] [--bits BITS] [--host "
	"NAME]\n"
	"                          [--client ADDRESS] [--helo NAME] "
	"[--sender ADDRESS]\n"
	"                          [FILE...]\n"
	"       kereru dmarc check [OPTION...] --batch\n";

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

int
command_dmarc(
	struct command_context const *x, int argc, char const *const *argv)
{
	(void)x;
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return check_all(argc - 1, argv + 1);
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
