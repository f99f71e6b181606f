/* The settings of one host: what its file says, or the defaults. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <skalibs/types.h>
#include "common/admin/values.h"

static size_t
index_of(char const *key)
{
	struct setting const *s = setting_find(key);

	assert(s != NULL);
	return (size_t)(s - setting_table);
}

static void
read_line(struct values *v, char *line, size_t len, struct faults *f)
{
	struct text const *t = &v->text;
	struct setting const *setting;
	char *key;
	size_t key_len, i;
	char const *why;

	(void)text_field(&line, &len, &key, &key_len);
	setting = setting_find(key);
	if (setting == NULL) {
		fault(f, t->path, t->line, "there is no setting named %s", key);
		return;
	}
	i = (size_t)(setting - setting_table);
	if (v->line[i] > 0) {
		fault(f, t->path, t->line, "%s stands on line %u already", key,
			v->line[i]);
		return;
	}
	v->line[i] = t->line;
	line += strspn(line, " \t");
	v->normal[i].len = 0;
	if (!setting_normal(setting, line, &v->normal[i], &why)) {
		fault(f, t->path, t->line, "%s: \"%s\" %s", key, line, why);
		v->normal[i].len = 0;
	}
}

static bool
fill_in(struct values *v, struct faults *f)
{
	char const *why;

	for (size_t i = 0; i < setting_count; i++) {
		struct setting const *s = &setting_table[i];
		if (v->line[i] == 0 && s->initial == NULL)
			fault(f, v->text.path, 0, "%s is missing", s->key);
		else if (v->line[i] == 0 &&
			 !setting_normal(s, s->initial, &v->normal[i], &why))
			return false;
		if (v->normal[i].len == 0 && !stralloc_append(&v->normal[i], 0))
			return false;
	}
	return true;
}

static bool
read_lines(struct values *v, struct faults *f)
{
	char *line;
	size_t len;
	int r;

	assert(setting_count <= VALUES_MAX);
	while ((r = text_line(&v->text, &line, &len)) != 0) {
		if (r < 0) {
			fault(f, v->text.path, v->text.line,
				"has a control character");
			continue;
		}
		line[len] = '\0';
		read_line(v, line, len, f);
	}
	if (!fill_in(v, f)) {
		fault(f, v->text.path, 0, "out of memory");
		return false;
	}
	return true;
}

bool
values_of_text(struct values *v, char *s, size_t len, struct faults *f)
{
	text_set(&v->text, s, len);
	v->text.exists = true;
	return read_lines(v, f);
}

bool
values_read(struct values *v, char const *folder, struct faults *f)
{
	if (!text_read(&v->text, folder, "settings")) {
		fault(f, v->text.path != NULL ? v->text.path : folder, 0,
			"cannot be read: %s", strerror(errno));
		return false;
	}
	if (!v->text.exists) {
		fault(f, v->text.path, 0,
			"is not there; `kereru setup HOSTNAME` makes one");
		return false;
	}
	return read_lines(v, f);
}

void
values_free(struct values *v)
{
	text_free(&v->text);
	for (size_t i = 0; i < setting_count; i++)
		stralloc_free(&v->normal[i]);
}

char const *
values_text(struct values const *v, char const *key)
{
	return v->normal[index_of(key)].s;
}

uint32_t
values_number(struct values const *v, char const *key)
{
	uint32_t n = 0;

	(void)uint320_scan(values_text(v, key), &n);
	return n;
}

unsigned
values_line(struct values const *v, char const *key)
{
	return v->line[index_of(key)];
}

bool
values_account(
	struct values const *v, char const *role, struct account *account_r)
{
	char key[32];

	snprintf(key, sizeof key, "account-%s", role);
	return account_find(values_text(v, key), account_r) > 0;
}

bool
values_group_drop(struct values const *v, gid_t *gid_r)
{
	return account_find_group(values_text(v, "group-drop"), gid_r) > 0;
}

/* Every role has its own uid: it is all that keeps them apart. */
static void
check_twice(struct values const *v, struct account const *accounts, size_t i,
	struct faults *f)
{
	for (size_t j = 0; j < i; j++)
		if (setting_table[j].type == SETTING_ACCOUNT &&
			accounts[j].uid == accounts[i].uid)
			fault(f, v->text.path, v->line[i],
				"%s: has the same uid as %s",
				setting_table[i].key, setting_table[j].key);
}

void
values_check_accounts(struct values const *v, struct faults *f)
{
	struct account accounts[VALUES_MAX] = {{0}};
	uint32_t min = 0, max = 0;
	char const *path = v->text.path;

	(void)!setting_uids(values_text(v, "mailbox-uids"), &min, &max);
	for (size_t i = 0; i < setting_count; i++) {
		struct setting const *s = &setting_table[i];
		struct account *a = &accounts[i];
		char const *name = v->normal[i].s;
		int found;
		if (s->type == SETTING_ACCOUNT)
			found = account_find(name, a);
		else if (s->type == SETTING_GROUP)
			found = account_find_group(name, &a->gid);
		else
			continue;
		if (found <= 0) {
			fault(f, path, v->line[i], "%s: there is no %s %s",
				s->key,
				s->type == SETTING_GROUP ? "group" : "account",
				name);
			continue;
		}
		if (s->type == SETTING_GROUP ? a->gid == 0
					     : a->uid == 0 || a->gid == 0)
			fault(f, path, v->line[i], "%s: root is refused",
				s->key);
		if (s->type != SETTING_ACCOUNT)
			continue;
		if (a->uid >= min && a->uid <= max)
			fault(f, path, v->line[i],
				"%s: uid %u lies in mailbox-uids", s->key,
				(unsigned)a->uid);
		check_twice(v, accounts, i, f);
	}
}

int
values_open_folder(char const *folder, char const *below)
{
	struct values v = VALUES_ZERO;
	struct faults f = {0};
	char path[4096] = "";
	int fd = -1;

	if (values_read(&v, folder, &f) && f.count == 0 &&
		snprintf(path, sizeof path, "%s/%s", values_text(&v, "state"),
			below) < (int)sizeof path)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fprintf(stderr, "kereru: open %s: %s\n", path, strerror(errno));
	values_free(&v);
	return fd;
}
