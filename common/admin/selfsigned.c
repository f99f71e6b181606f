/* A certificate authority of a host's own, and its certificates. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/run.h"
#include "common/admin/selfsigned.h"

/*
 * The leaf is not a CA: clients that use NSS refuse one that is. Clients look
 * at the alternative names alone; a CN has at most 64 octets.
 */
static char const config[] =
	"[req]\n"
	"distinguished_name = dn\n"
	"prompt = no\n"
	"[dn]\n"
	"CN = kereru\n"
	"[ca]\n"
	"basicConstraints = critical, CA:TRUE\n"
	"keyUsage = critical, keyCertSign, cRLSign\n"
	"subjectKeyIdentifier = hash\n"
	"[leaf]\n"
	"basicConstraints = critical, CA:FALSE\n"
	"keyUsage = critical, digitalSignature, keyEncipherment\n"
	"extendedKeyUsage = serverAuth\n"
	"subjectKeyIdentifier = hash\n"
	"authorityKeyIdentifier = keyid\n"
	"subjectAltName = DNS:%s, DNS:localhost, IP:127.0.0.1, IP:::1\n";

struct maker {
	char const *folder;
	char *config_path, *ca, *ca_key;
};

static char *
path_of(char const *folder, char const *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* curve NULL: RSA; is_leaf: signed by the CA, else it is the CA. */
static bool
make_one(struct maker const *m, char const *name, char const *curve,
	bool is_leaf)
{
	char *pem, *key, *subject;
	bool ok;

	pem = path_of(m->folder, name);
	key = pem != NULL ? strdup(pem) : NULL;
	if (asprintf(&subject, "/CN=kereru %.*s", (int)strcspn(name, "."),
		    name) < 0)
		subject = NULL;
	ok = pem != NULL && key != NULL && subject != NULL;
	if (ok) {
		char const *argv[32] = {"openssl", "req", "-x509", "-nodes",
			"-config", m->config_path, "-extensions",
			is_leaf ? "leaf" : "ca", "-subj", subject, "-days",
			is_leaf ? "825" : "3650", "-keyout", key, "-out", pem,
			"-newkey"};
		size_t n = 17;
		memcpy(key + strlen(key) - 4, ".key", 4);
		argv[n++] = curve != NULL ? "ec" : "rsa:2048";
		if (curve != NULL) {
			argv[n++] = "-pkeyopt";
			argv[n++] = curve;
		}
		if (is_leaf) {
			argv[n++] = "-CA";
			argv[n++] = m->ca;
			argv[n++] = "-CAkey";
			argv[n++] = m->ca_key;
		}
		ok = run_program(argv) && chmod(pem, 0644) == 0 &&
		     chmod(key, 0600) == 0;
	}
	free(pem);
	free(key);
	free(subject);
	return ok;
}

static bool
write_config(struct maker const *m, char const *hostname)
{
	FILE *f = fopen(m->config_path, "we");
	bool ok;

	if (f == NULL)
		return false;
	ok = fprintf(f, config, hostname) > 0;
	return fclose(f) == 0 && ok;
}

static bool
is_there(char const *folder, char const *name)
{
	char *path = path_of(folder, name);
	bool there = path != NULL && access(path, F_OK) == 0;

	free(path);
	return there;
}

bool
selfsigned_make(char const *folder, char const *hostname)
{
	struct maker m = {.folder = folder,
		.config_path = path_of(folder, "openssl.cnf"),
		.ca = path_of(folder, "ca.pem"),
		.ca_key = path_of(folder, "ca.key")};
	mode_t before = umask(077);
	bool ok = true;

	if (m.config_path == NULL || m.ca == NULL || m.ca_key == NULL)
		ok = false;
	else if (!is_there(folder, "ca.pem") && !is_there(folder, "ec.pem") &&
		 !is_there(folder, "rsa.pem")) {
		ok = write_config(&m, hostname) &&
		     make_one(&m, "ca.pem", "ec_paramgen_curve:P-256", false) &&
		     make_one(&m, "ec.pem", "ec_paramgen_curve:P-256", true) &&
		     make_one(&m, "rsa.pem", NULL, true);
		(void)unlink(m.config_path);
	}
	if (!ok)
		fprintf(stderr, "kereru: no certificates could be made in %s\n",
			folder);
	umask(before);
	free(m.config_path);
	free(m.ca);
	free(m.ca_key);
	return ok;
}
