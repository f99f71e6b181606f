/* `kereru certificate`: a pair that an ACME client has fetched goes into
 * service. */
#include <bearssl.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "common/admin/certificate.h"
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/edit.h"
#include "common/admin/folder.h"
#include "common/admin/records.h"

static char const usage[] =
	"usage: kereru [-c DIR] certificate CHAIN KEY [--host NAME]\n"
	"                                   [--as NAME] [--dry-run]\n"
	"  CHAIN and KEY are PEM files: the certificate with those above it,\n"
	"  and its private key.\n";

struct order {
	char const *folder, *chain, *key, *host, *as;
	bool is_dry;
	struct config config;
	struct certificate_pair pair;
	stralloc names; /* what tls-certificates will be */
};

/* The name of the authority that setup made; len 0: there is none. */
struct issuer {
	char name[256];
	size_t len;
};

static void
add_name(void *data, void const *s, size_t len)
{
	struct issuer *issuer = data;

	if (len <= sizeof issuer->name - issuer->len) {
		memcpy(issuer->name + issuer->len, s, len);
		issuer->len += len;
	}
}

static void
read_issuer(char const *folder, struct issuer *issuer)
{
	br_x509_decoder_context x;
	stralloc der = STRALLOC_ZERO;

	issuer->len = 0;
	if (certificate_first(folder, "tls/ca.pem", &der)) {
		br_x509_decoder_init(&x, add_name, issuer);
		br_x509_decoder_push(&x, der.s, der.len);
		if (br_x509_decoder_last_error(&x) != 0)
			issuer->len = 0;
	}
	stralloc_free(&der);
}

/* Signed by the authority of this host's own: nobody outside believes it, and
 * beside a real one it would be what half of the clients are shown. */
static bool
is_self_made(
	struct order const *o, struct issuer const *issuer, char const *name)
{
	stralloc der = STRALLOC_ZERO;
	bool is = issuer->len > 0 && certificate_first(o->folder, name, &der) &&
		  memmem(der.s, der.len, issuer->name, issuer->len) != NULL;

	stralloc_free(&der);
	return is;
}

/* The new one, and those that serve already, but for self-made ones. */
static bool
choose_names(struct order *o, char const *path)
{
	char const *s = values_text(&o->config.values, "tls-certificates");
	struct issuer issuer;
	bool is_listed = false;

	read_issuer(o->folder, &issuer);
	while (*s != '\0') {
		size_t len = strcspn(s, " ");
		char *name = strndup(s, len);
		bool is_it = name != NULL && strcmp(name, path) == 0;
		bool ok = name != NULL;
		if (ok && (is_it || !is_self_made(o, &issuer, name)))
			ok = (o->names.len == 0 ||
				     stralloc_append(&o->names, ' ')) &&
			     stralloc_cats(&o->names, name);
		is_listed = is_listed || is_it;
		free(name);
		if (!ok)
			return false;
		s += len;
		s += strspn(s, " ");
	}
	return (is_listed || ((o->names.len == 0 ||
				      stralloc_append(&o->names, ' ')) &&
				     stralloc_cats(&o->names, path))) &&
	       stralloc_append(&o->names, '\0');
}

static bool
write_one(
	struct publish *p, char const *name, struct text const *t, mode_t mode)
{
	int fd = publish_open(p, name);

	if (fd < 0)
		return false;
	if (allwrite(fd, t->s, t->len) < t->len) {
		close(fd);
		return false;
	}
	return publish_close(fd, 0, 0, mode);
}

/* Both, or none. */
static bool
write_pair(struct order const *o)
{
	char folder[600], chain[128], key[128];
	struct publish p = {.folder_fd = -1};
	bool ok;

	snprintf(folder, sizeof folder, "%s/tls", o->folder);
	snprintf(chain, sizeof chain, "%s.pem", o->as);
	snprintf(key, sizeof key, "%s.key", o->as);
	ok = folder_make(folder, 0, 0, 0755) && publish_begin(&p, folder) &&
	     write_one(&p, chain, &o->pair.chain, 0644) &&
	     write_one(&p, key, &o->pair.key, 0600) && publish_commit(&p);
	if (!ok)
		fprintf(stderr, "kereru: cannot write %s/%s: %s\n", folder,
			chain, strerror(errno));
	publish_end(&p);
	return ok;
}

static bool
write_setting(struct order const *o)
{
	char const *key = "tls-certificates";
	struct publish p;
	stralloc line = STRALLOC_ZERO;
	bool ok = true;

	if (strcmp(values_text(&o->config.values, key), o->names.s) == 0)
		return true;
	if (!edit_begin(&p, o->folder))
		return false;
	ok = stralloc_cats(&line, key) && stralloc_append(&line, ' ') &&
	     stralloc_cats(&line, o->names.s) && stralloc_append(&line, '\0') &&
	     edit_file(&p, "settings", key, line.s, 0644) && edit_commit(&p);
	edit_end(&p);
	stralloc_free(&line);
	if (ok)
		printf("; the setting %s is now: %s\n", key, o->names.s);
	return ok;
}

/* Others may have the old key's TLSA record for as long as its TTL says. */
static void
tell_key(struct order const *o)
{
	struct faults f = {.is_quiet = true, .is_silent = true};
	stralloc certs = STRALLOC_ZERO, keys = STRALLOC_ZERO;
	struct records_facts facts = {0};
	struct records r = RECORDS_ZERO;
	bool is_known = false, ok;

	ok = certificate_read(o->folder,
		values_text(&o->config.values, "tls-certificates"), &certs,
		&keys, &f);
	facts.certs = certs.s;
	facts.certs_len = certs.len;
	ok = ok && records_of_host(&r, &o->config, &facts);
	for (size_t i = 0; ok && i < r.count; i++)
		if (r.list[i].use == RECORD_FOR_DANE &&
			strstr(r.list[i].value, o->pair.spki) != NULL)
			is_known = true;
	records_free(&r);
	if (keys.s != NULL)
		sodium_memzero(keys.s, keys.len);
	stralloc_free(&certs);
	stralloc_free(&keys);
	if (!is_known)
		printf("; its key is new: where the zone is signed, publish\n"
		       "_25._tcp.%s. IN TLSA 3 1 1 %s\n",
			values_text(&o->config.values, "hostname"),
			o->pair.spki);
}

static int
install(struct order *o)
{
	struct faults f = {0};
	char path[160];

	if (!config_read(&o->config, o->folder, &f) || f.count > 0)
		return COMMAND_PERMANENT;
	if (o->host == NULL)
		o->host = values_text(&o->config.values, "hostname");
	if (!certificate_pair_read(&o->pair, o->chain, o->key, o->host, &f)) {
		fprintf(stderr, "kereru: nothing was changed\n");
		return COMMAND_PERMANENT;
	}
	if (o->as == NULL)
		o->as = o->pair.is_ec ? "ec" : "rsa";
	snprintf(path, sizeof path, "tls/%s.pem", o->as);
	if (!choose_names(o, path))
		return COMMAND_TEMPORARY;
	tell_key(o);
	if (o->is_dry) {
		printf("; it is good; %s would be replaced, and serve with: "
		       "%s\n",
			path, o->names.s);
		return COMMAND_OK;
	}
	if (!write_pair(o) || !write_setting(o))
		return COMMAND_TEMPORARY;
	return compile_tables(o->folder);
}

static bool
is_name(char const *s)
{
	size_t len = strlen(s);

	return len > 0 && len < 100 && *s != '.' && *s != '-' &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._-") == len;
}

int
command_certificate(
	struct command_context const *x, int argc, char const *const *argv)
{
	struct order o = {.folder = x->folder,
		.config = {.folder = x->folder},
		.pair = {.certs = STRALLOC_ZERO}};
	bool is_wrong = false;
	int code = COMMAND_PERMANENT;

	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;
		if (strcmp(argv[i], "--dry-run") == 0)
			o.is_dry = true;
		else if (has_value && strcmp(argv[i], "--host") == 0)
			o.host = argv[++i];
		else if (has_value && strcmp(argv[i], "--as") == 0)
			o.as = argv[++i];
		else if (*argv[i] != '-' && o.chain == NULL)
			o.chain = argv[i];
		else if (*argv[i] != '-' && o.key == NULL)
			o.key = argv[i];
		else
			is_wrong = true;
	}
	if (is_wrong || o.key == NULL || (o.as != NULL && !is_name(o.as)))
		fputs(usage, stderr);
	else
		code = install(&o);
	certificate_pair_free(&o.pair);
	stralloc_free(&o.names);
	config_free(&o.config);
	return code == COMMAND_OK && fflush(stdout) != 0 ? COMMAND_TEMPORARY
							 : code;
}
