/* `kereru arc`: verify a chain, and add to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/cmd_auth.h"
#include "common/admin/command.h"
#include "common/admin/cmd_signer.h"
#include "mime/dkim/arc_seal.h"

static char const usage[] =
	"usage: kereru arc verify [--resolver ADDRESS:PORT] [--timeout MS]\n"
	"                         [--time SECONDS] [--bits BITS] [FILE...]\n"
	"       kereru arc seal --key FILE --domain DOMAIN --selector NAME\n"
	"                       --status none|pass|fail --results VALUE\n"
	"                       [--time SECONDS] [FILE]\n";

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

static int
seal(int argc, char const *const *argv)
{
	struct cmd_signer s;
	char fields[ARC_SEAL_MAX];
	size_t len;
	enum arc_code status = ARC_NONE;
	int code = cmd_signer_open(&s, "arc seal", argc, argv), r;

	if (code != COMMAND_OK)
		return code;
	while (status < ARC_TEMPERROR &&
		strcmp(s.status, arc_name(status)) != 0)
		status++;
	if (status == ARC_TEMPERROR || s.results == NULL) {
		fputs(usage, stderr);
		cmd_signer_close(&s);
		return COMMAND_PERMANENT;
	}
	r = arc_seal(&s.message, &s.signer, status, s.results, fields, &len);
	if (r > 0)
		fwrite(fields, 1, len, stdout);
	if (r >= 0)
		fwrite(s.message.bytes, 1, s.message.len, stdout);
	else
		perror("kereru: cannot seal");
	cmd_signer_close(&s);
	return r >= 0 ? COMMAND_OK : COMMAND_PERMANENT;
}

int
command_arc(struct command_context const *x, int argc, char const *const *argv)
{
	(void)x;
	if (argc > 1 && strcmp(argv[1], "verify") == 0)
		return verify(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "seal") == 0)
		return seal(argc - 1, argv + 1);
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
