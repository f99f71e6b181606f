/* What `kereru dkim sign` and `kereru arc seal` have in common. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/admin/cmd_auth.h"
#include "common/admin/cmd_signer.h"
#include "common/admin/command.h"

bool
cmd_signer_key(char const *path, struct dkim_private *key_r)
{
	char *pem;
	size_t len;
	bool is_read;

	if (!cmd_auth_read_raw(path, &pem, &len))
		return false;
	is_read = dkim_private_parse(pem, len, key_r);
	sodium_memzero(pem, len);
	free(pem);
	if (!is_read)
		fprintf(stderr,
			"kereru: %s is no private key of RSA or Ed25519\n",
			path);
	return is_read;
}

struct options {
	char const *key, *domain, *selector, *status, *results, *time,
		*lifetime;
};

static bool
take_option(struct options *o, int argc, char const *const *argv, int *i)
{
	struct {
		char const *name;
		char const **value;
	} const known[] = {
		{"--key", &o->key},
		{"--domain", &o->domain},
		{"--selector", &o->selector},
		{"--status", &o->status},
		{"--results", &o->results},
		{"--time", &o->time},
		{"--lifetime", &o->lifetime},
	};

	for (size_t j = 0; j < sizeof known / sizeof *known; j++)
		if (strcmp(argv[*i], known[j].name) == 0 && *i + 1 < argc) {
			*known[j].value = argv[*i + 1];
			*i += 2;
			return true;
		}
	return false;
}

int
cmd_signer_open(struct cmd_signer *s, char const *command, int argc,
	char const *const *argv)
{
	struct options o = {.status = "", .lifetime = "0"};
	char const *path = "-";
	size_t len;
	int i = 1;

	memset(s, 0, sizeof *s);
	while (i < argc && take_option(&o, argc, argv, &i))
		;
	if (i < argc && strncmp(argv[i], "--", 2) != 0)
		path = argv[i++];
	if (i < argc || o.key == NULL || o.domain == NULL ||
		o.selector == NULL) {
		fprintf(stderr,
			"kereru: %s: --key, --domain and --selector are "
			"needed\n",
			command);
		return COMMAND_PERMANENT;
	}
	if (!cmd_signer_key(o.key, &s->key))
		return COMMAND_PERMANENT;
	if (!cmd_auth_read(path, &s->bytes, &len)) {
		dkim_private_wipe(&s->key);
		return COMMAND_TEMPORARY;
	}
	s->message = (struct source){.bytes = s->bytes, .len = len};
	s->status = o.status;
	s->results = o.results;
	s->signer = (struct dkim_signer){.key = &s->key,
		.domain = o.domain,
		.selector = o.selector,
		.now = o.time != NULL ? strtoull(o.time, NULL, 10)
				      : (uint64_t)time(NULL),
		.lifetime = strtoull(o.lifetime, NULL, 10)};
	return COMMAND_OK;
}

void
cmd_signer_close(struct cmd_signer *s)
{
	dkim_private_wipe(&s->key);
	free(s->bytes);
	s->bytes = NULL;
}
