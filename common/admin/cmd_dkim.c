/* `kereru dkim`: keys of this host; verifying and signing by hand. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/cmd_auth.h"
#include "common/admin/command.h"
#include "common/admin/cmd_signer.h"
#include "common/admin/dkim_keys.h"
#include "mime/dkim/dkim.h"

static char const usage[] =
	"usage: kereru [-c DIR] dkim DOMAIN [--selector NAME]\n"
	"                        [--algorithm rsa|ed25519] [--bits N]\n"
	"       kereru [-c DIR] dkim list [--records]\n"
	"       kereru dkim verify [--resolver ADDRESS:PORT] [--timeout MS]\n"
	"                          [--time SECONDS] [--bits BITS] [FILE...]\n"
	"       kereru dkim sign --key FILE --domain DOMAIN --selector NAME\n"
	"                        [--time SECONDS] [--lifetime SECONDS] [FILE]\n"
	"       kereru dkim key new (rsa [BITS] | ed25519) >FILE\n"
	"       kereru dkim key record FILE\n";

static void
tell(char const *path, struct dkim_results const *results)
{
	if (results->count == 0)
		printf("%s\tnone\n", path);
	for (size_t i = 0; i < results->count; i++) {
		struct dkim_result const *r = &results->list[i];
		printf("%s\t%s\td=%s\ts=%s\ta=%s\t%s", path, dkim_name(r->code),
			r->domain, r->selector, r->algorithm,
			r->why != NULL ? r->why : "");
		if (r->uncovered > 0)
			printf("\tuncovered=%llu",
				(unsigned long long)r->uncovered);
		putchar('\n');
	}
}

static bool
verify_file(struct cmd_auth *a, char const *path)
{
	struct dkim_options options = {.now = a->now, .bits_min = a->bits_min};
	struct source message = {0};
	struct dkim_results results;
	struct query query;
	char *bytes;
	size_t len;
	bool is_done;

	if (!cmd_auth_read(path, &bytes, &len))
		return false;
	message.bytes = bytes;
	message.len = len;
	cmd_auth_query(a, &query);
	is_done = dkim_verify(&message, &query, &options, &results);
	query_free(&query);
	free(bytes);
	if (is_done)
		tell(path, &results);
	else
		fprintf(stderr, "kereru: out of memory\n");
	return is_done;
}

static int
verify(int argc, char const *const *argv)
{
	struct cmd_auth a;
	int i = 1, r, code = COMMAND_OK;

	cmd_auth_init(&a, "dkim verify");
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
sign(int argc, char const *const *argv)
{
	struct cmd_signer s;
	char field[DKIM_SIGN_MAX];
	size_t len;
	int code = cmd_signer_open(&s, "dkim sign", argc, argv);

	if (code != COMMAND_OK)
		return code;
	if (dkim_sign(&s.message, &s.signer, field, &len)) {
		fwrite(field, 1, len, stdout);
		fwrite(s.message.bytes, 1, s.message.len, stdout);
	} else {
		perror("kereru: cannot sign");
		code = COMMAND_PERMANENT;
	}
	cmd_signer_close(&s);
	return code;
}

static int
new_key(int argc, char const *const *argv)
{
	char pem[DKIM_PEM_MAX];
	bool is_rsa = strcmp(argv[0], "rsa") == 0;
	unsigned bits = !is_rsa ? 0 : argc > 1 ? (unsigned)atoi(argv[1]) : 2048;

	if ((!is_rsa && strcmp(argv[0], "ed25519") != 0) ||
		(is_rsa && (bits < DKIM_RSA_BITS_MIN ||
				   bits > DKIM_RSA_BITS_MAX))) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (!dkim_private_make(bits, pem)) {
		fprintf(stderr, "kereru: cannot make a key\n");
		return COMMAND_TEMPORARY;
	}
	fputs(pem, stdout);
	sodium_memzero(pem, sizeof pem);
	return COMMAND_OK;
}

static int
show_record(char const *path)
{
	struct dkim_private key;
	char record[DKIM_RECORD_MAX];
	bool is_done;

	if (!cmd_signer_key(path, &key))
		return COMMAND_PERMANENT;
	is_done = dkim_private_record(&key, record);
	dkim_private_wipe(&key);
	if (is_done)
		puts(record);
	else
		fprintf(stderr,
			"kereru: %s has an exponent that is not usual\n", path);
	return is_done ? COMMAND_OK : COMMAND_PERMANENT;
}

int
command_dkim(struct command_context const *x, int argc, char const *const *argv)
{
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return dkim_keys_list(x, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "verify") == 0)
		return verify(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "sign") == 0)
		return sign(argc - 1, argv + 1);
	if (argc > 3 && strcmp(argv[1], "key") == 0) {
		if (strcmp(argv[2], "new") == 0)
			return new_key(argc - 3, argv + 3);
		if (strcmp(argv[2], "record") == 0)
			return show_record(argv[3]);
	}
	if (argc > 1 && strchr(argv[1], '.') != NULL)
		return dkim_keys_add(x, argc - 1, argv + 1);
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
