/* The tables, made of a host's text files. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/certificate.h"
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/publish.h"
#include "common/admin/table_write.h"

/* Without certificates nobody can log in, and a TLS port can't be served. */
static bool
check_tls(struct config *c, struct faults *f)
{
	static char const *const implicit[] = {
		"listen-submits", "listen-pop3s", "listen-imaps"};
	struct values *v = &c->values;

	if (*values_text(v, "tls-certificates") != '\0')
		return true;
	fault_warning(f, v->text.path, values_line(v, "tls-certificates"),
		"tls-certificates: none, so nobody can log in, and the TLS "
		"ports are not served");
	for (size_t i = 0; i < sizeof implicit / sizeof *implicit; i++) {
		stralloc *sa =
			&v->normal[setting_find(implicit[i]) - setting_table];
		sa->len = 0;
		if (!stralloc_append(sa, '\0'))
			return false;
	}
	return true;
}

struct compiled {
	struct config config;
	stralloc certs, keys;
};

static bool
read_everything(struct compiled *m, char const *folder, struct faults *f)
{
	if (config_read(&m->config, folder, f) && check_tls(&m->config, f) &&
		certificate_read(folder,
			values_text(&m->config.values, "tls-certificates"),
			&m->certs, &m->keys, f))
		return true;
	if (f->count == 0)
		fault(f, folder, 0, "out of memory");
	return false;
}

static void
forget(struct compiled *m)
{
	config_free(&m->config);
	if (m->keys.s != NULL)
		sodium_memzero(m->keys.s, m->keys.len);
	stralloc_free(&m->certs);
	stralloc_free(&m->keys);
}

static int
nothing_changed(struct faults const *f)
{
	fprintf(stderr, "kereru: %u fault%s; the tables stay as they were\n",
		f->count, f->count == 1 ? "" : "s");
	return COMMAND_PERMANENT;
}

static int
system_failed(char const *what, char const *path)
{
	fprintf(stderr, "kereru: %s %s: %s\n", what, path, strerror(errno));
	return COMMAND_TEMPORARY;
}

/* Which folders to lock is said by the settings. If they are wrong, that is
 * told with all other faults later. */
static bool
state_folder(char const *folder, char *tables_path, size_t size, char **state_r)
{
	struct values v = VALUES_ZERO;
	struct faults f = {.is_silent = true};
	bool ok = values_read(&v, folder, &f) && f.count == 0;

	if (ok) {
		*state_r = strdup(values_text(&v, "state"));
		snprintf(tables_path, size, "%s/tables",
			values_text(&v, "state"));
	}
	values_free(&v);
	return ok && *state_r != NULL;
}

int
compile_tables(char const *folder)
{
	struct compiled m = {.certs = STRALLOC_ZERO};
	struct faults f = {0};
	struct publish tables_folder, state_publish;
	char tables_path[512], *state = NULL;
	int code;

	if (!state_folder(folder, tables_path, sizeof tables_path, &state)) {
		(void)!read_everything(&m, folder, &f);
		forget(&m);
		return nothing_changed(&f);
	}
	/* The lock comes before reading: who is last has read the newest. */
	if (!publish_begin(&tables_folder, tables_path)) {
		free(state);
		return system_failed("cannot open", tables_path);
	}
	if (!publish_begin(&state_publish, state)) {
		code = system_failed("cannot open", state);
	} else if (!read_everything(&m, folder, &f) || f.count > 0) {
		code = nothing_changed(&f);
	} else if (!table_write_all(&m.config, &tables_folder, &state_publish,
			   &m.certs, &m.keys)) {
		code = system_failed("cannot write the tables in", tables_path);
	} else {
		code = COMMAND_OK;
	}
	forget(&m);
	publish_end(&state_publish);
	publish_end(&tables_folder);
	free(state);
	return code;
}

int
command_compile(
	struct command_context const *x, int argc, char const *const *argv)
{
	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: kereru [-c DIR] compile\n");
		return COMMAND_PERMANENT;
	}
	return compile_tables(x->folder);
}
