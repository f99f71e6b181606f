/* `kereru arc`: verify a chain, and add to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/cmd_auth.h"
#include "common/admin/command.h"
#include "smtpd/check/arc.h"

static char const usage[] =
	"usage: kereru arc verify [--resolver ADDRESS:PORT] [--timeout MS]\n"
	"                         [--time SECONDS] [--bits BITS] [FILE...]\n";

static bool
verify_file(struct cmd_auth *a, char const *path)
{
	struct dkim_options options = {.now = a->now, .bits_min = a->bits_min};
	struct source message = {0};
	struct arc_result result;
	struct query query;
	char *bytes;
	size_t len;
	bool is_done;

	if (!cmd_auth_read(path, &bytes, &len))
		return false;
	message.bytes = bytes;
	message.len = len;
	cmd_auth_query(a, &query);
	is_done = arc_verify(&message, &query, &options, &result);
	query_free(&query);
	free(bytes);
	if (is_done)
		printf("%s\t%s\ti=%u\td=%s\t%s\n", path, arc_name(result.code),
			result.sets, result.sealer,
			result.why != NULL ? result.why : "");
	else
		fprintf(stderr, "kereru: out of memory\n");
	arc_free(&result);
	return is_done;
}

static int
verify(int argc, char const *const *argv)
{
	struct cmd_auth a;
	int i = 1, r, code = COMMAND_OK;

	cmd_auth_init(&a, "arc verify");
	while (i < argc && strncmp(argv[i], "--", 2) == 0) {
		r = cmd_auth_option(&a, argc, argv, &i);
		if (r < 0)
			return COMMAND_PERMANENT;
		if (r == 0) {
			fputs(usage, stderr);
			return COMMAND_PERMANENT;
		}
	}
	if (!cmd_auth_open(&a))
		return COMMAND_TEMPORARY;
	if (i == argc && !verify_file(&a, "-"))
		code = COMMAND_TEMPORARY;
	for (; i < argc; i++)
		if (!verify_file(&a, argv[i]))
			code = COMMAND_TEMPORARY;
	cmd_auth_close(&a);
	return code;
}

int
command_arc(struct command_context const *x, int argc, char const *const *argv)
{
	(void)x;
	if (argc > 1 && strcmp(argv[1], "verify") == 0)
		return verify(argc - 1, argv + 1);
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
