/* `kereru spf`: what SPF says about a client and a sender. */
#include <stdio.h>
#include <string.h>
#include "common/admin/cmd_auth.h"
#include "common/admin/command.h"
#include "smtpd/check/spf.h"

static char const usage[] =
	"usage: kereru spf [--resolver ADDRESS:PORT] [--timeout MS] "
	"[--host NAME]\n"
	"                  [--helo NAME] CLIENT SENDER\n"
	"       kereru spf [OPTION...] --batch\n";

static bool
check(struct cmd_auth *a, char const *client, char const *helo,
	char const *sender, struct spf_result *result_r)
{
	struct spf_request r = {.helo = helo,
		.sender = sender,
		.receiver = a->host,
		.now = a->now};
	struct query query;

	if (!spf_client_parse(client, &r.client)) {
		fprintf(stderr, "kereru: %s is no address\n", client);
		return false;
	}
	cmd_auth_query(a, &query);
	spf_check(&query, &r, result_r);
	query_free(&query);
	return true;
}

/* Lines of client, HELO and sender, tabs between; a line for each. */
static int
batch(struct cmd_auth *a)
{
	char *line;

	while ((line = cmd_auth_line()) != NULL) {
		struct spf_result result;
		char const *client = cmd_auth_field(&line);
		char const *helo = cmd_auth_field(&line);
		if (!check(a, client, helo, line, &result))
			return COMMAND_PERMANENT;
		printf("%s\t%s\t%s\n", spf_name(result.code),
			result.explanation,
			result.why != NULL ? result.why : "");
		fflush(stdout);
	}
	return COMMAND_OK;
}

static int
single(struct cmd_auth *a, char const *client, char const *helo,
	char const *sender)
{
	struct spf_result result;

	if (!check(a, client, helo, sender, &result))
		return COMMAND_PERMANENT;
	printf("result: %s\n", spf_name(result.code));
	if (*result.domain != '\0')
		printf("domain: %s\n", result.domain);
	if (result.why != NULL)
		printf("why: %s\n", result.why);
	if (*result.explanation != '\0')
		printf("explanation: %s\n", result.explanation);
	return COMMAND_OK;
}

int
command_spf(struct command_context const *x, int argc, char const *const *argv)
{
	struct cmd_auth a;
	char const *helo = "";
	bool is_batch = false;
	int i = 1, code;

	(void)x;
	cmd_auth_init(&a, "spf");
	while (i < argc && strncmp(argv[i], "--", 2) == 0) {
		int r = cmd_auth_option(&a, argc, argv, &i);
		if (r < 0)
			return COMMAND_PERMANENT;
		if (r > 0)
			continue;
		if (strcmp(argv[i], "--batch") == 0) {
			is_batch = true;
			i++;
		} else if (strcmp(argv[i], "--helo") == 0 && i + 1 < argc) {
			helo = argv[i + 1];
			i += 2;
		} else {
			break;
		}
	}
	if (argc - i != (is_batch ? 0 : 2)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (!cmd_auth_open(&a))
		return COMMAND_TEMPORARY;
	code = is_batch ? batch(&a) : single(&a, argv[i], helo, argv[i + 1]);
	cmd_auth_close(&a);
	return code;
}
