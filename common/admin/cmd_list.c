/* `kereru list`: mailing lists made, changed, looked at. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "common/addr.h"
#include "common/admin/command.h"
#include "common/admin/compile.h"
#include "common/admin/config.h"
#include "common/admin/edit.h"
#include "common/admin/folder.h"
#include "common/admin/listwork.h"
#include "common/admin/user.h"

static char const usage[] =
	"usage: kereru [-c DIR] list\n"
	"       kereru [-c DIR] list add ADDRESS OWNER...\n"
	"       kereru [-c DIR] list remove ADDRESS\n"
	"       kereru [-c DIR] list show ADDRESS\n"
	"       kereru [-c DIR] list set ADDRESS KEY [VALUE...]\n"
	"       kereru [-c DIR] list members ADDRESS\n"
	"       kereru [-c DIR] list subscribe ADDRESS [--digest|--nomail] "
	"MEMBER...|-\n"
	"       kereru [-c DIR] list unsubscribe ADDRESS MEMBER...\n"
	"       kereru [-c DIR] list held ADDRESS\n"
	"       kereru [-c DIR] list accept|reject ADDRESS ID...\n"
	"       kereru [-c DIR] list digest [ADDRESS]\n";

/* The words behind the list's address. */
struct words {
	char const *const *list;
	size_t count;
	enum member_mode mode;
	stralloc text; /* read from standard input */
	bool is_accepted, is_quiet;
};

static int
create(struct list *l, int root_fd, void *data)
{
	stralloc const *const settings = data;

	(void)l;
	return list_create(root_fd, settings->s, settings->len)
		       ? COMMAND_OK
		       : listwork_failed("make", LIST_FOLDER);
}

static bool
make_settings(stralloc *out, char const *key, struct words const *w)
{
	bool ok = stralloc_cats(out, "address ") && stralloc_cats(out, key) &&
		  stralloc_append(out, '\n');

	for (size_t i = 0; ok && i < w->count; i++)
		ok = stralloc_cats(out, "owner ") &&
		     stralloc_cats(out, w->list[i]) &&
		     stralloc_append(out, '\n');
	return ok;
}

static char const *
refuse(struct config const *c, char const *key)
{
	char other[ADDR_KEY_MAX];

	for (size_t i = 1; i <= CONFIG_LIST_ADDRESSES; i++) {
		size_t const len =
			config_list_address(key, i, other, sizeof other);

		if (len == 0)
			return "its name is too long";
		if (config_user(c, other, len) != NULL ||
			config_alias(c, other, len) != NULL)
			return "one of its further addresses (-request, "
			       "-owner ..) is somebody's";
	}
	return user_refuse(c, key);
}

/* The folder first, then the lines: what is cut off leaves a folder that
 * nobody knows of, and that the next try takes. */
static int
add_to(struct publish *p, struct config *c, char const *key,
	stralloc const *settings)
{
	char const *const why = refuse(c, key);
	struct config_user u = {.name = {.s = key, .len = strlen(key)}};
	stralloc maildir = STRALLOC_ZERO;
	char line[ADDR_KEY_MAX + 32];
	int code = COMMAND_TEMPORARY;

	if (why != NULL) {
		fprintf(stderr, "kereru: %s cannot be added: %s\n", key, why);
		return COMMAND_PERMANENT;
	}
	u.uid = user_free_uid(c);
	if (u.uid == 0) {
		fprintf(stderr,
			"kereru: every uid of mailbox-uids has been used\n");
		return COMMAND_PERMANENT;
	}
	snprintf(line, sizeof line, "%s %u", key, (unsigned)u.uid);
	if (config_maildir(c, &u, &maildir) && stralloc_append(&maildir, 0) &&
		folder_maildir(maildir.s, u.uid))
		code = listwork_run(maildir.s, u.uid,
			values_text(&c->values, "state"),
			values_text(&c->values, "hostname"), false, create,
			(void *)(uintptr_t)settings);
	stralloc_free(&maildir);
	/* users is replaced first: a list that is no user would be a fault. */
	if (code == COMMAND_OK &&
		!(edit_file(p, "lists", NULL, key, 0644) &&
			edit_file(p, "users", NULL, line, 0644) &&
			edit_commit(p)))
		code = COMMAND_TEMPORARY;
	return code;
}

static int
remove_from(struct publish *p, struct config *c, char const *key)
{
	if (!config_is_list(c, key)) {
		fprintf(stderr, "kereru: there is no list %s\n", key);
		return COMMAND_PERMANENT;
	}
	printf("Archive and settings of %s stay in its folder\n", key);
	return edit_file(p, "users", key, NULL, 0644) &&
			       edit_file(p, "lists", key, NULL, 0644) &&
			       edit_commit(p)
		       ? COMMAND_OK
		       : COMMAND_TEMPORARY;
}

/* settings: of a new one; NULL: it is removed. */
static int
change(char const *folder, char const *key, stralloc const *settings)
{
	struct publish p;
	struct config c;
	int code = edit_read(&p, &c, folder);

	if (code != COMMAND_OK)
		return code;
	code = settings != NULL ? add_to(&p, &c, key, settings)
				: remove_from(&p, &c, key);
	config_free(&c);
	edit_end(&p);
	return code == COMMAND_OK ? compile_tables(folder) : code;
}

static int
add(char const *folder, char const *key, struct words const *w)
{
	stralloc settings = STRALLOC_ZERO;
	struct listset_fault fault;
	struct listset set;
	int code = COMMAND_PERMANENT;

	if (!make_settings(&settings, key, w))
		code = COMMAND_TEMPORARY;
	else if (!listset_parse(settings.s, settings.len, &set, &fault))
		fprintf(stderr, "kereru: %s: %s\n",
			fault.line > 1 ? w->list[fault.line - 2] : key,
			fault.text);
	else
		code = change(folder, key, &settings);
	stralloc_free(&settings);
	return code;
}

static int
list_all(char const *folder)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	bool const ok = config_read(&c, folder, &f);

	for (size_t i = 0; ok && i < c.lists.count; i++)
		puts(c.lists.list[i].s);
	config_free(&c);
	return ok && f.count == 0 ? COMMAND_OK : COMMAND_PERMANENT;
}

static int
show(struct list *l, int root_fd, void *data)
{
	(void)root_fd;
	(void)data;
	fwrite(l->set_text.s, 1, l->set_text.len, stdout);
	return COMMAND_OK;
}

static int
members(struct list *l, int root_fd, void *data)
{
	(void)root_fd;
	(void)data;
	if (!list_load_members(l))
		return listwork_failed("read", LIST_MEMBERS);
	for (size_t i = 0; i < l->members.count; i++) {
		struct member const *const m = &l->members.list[i];
		char const *const mode =
			members_mode_name((enum member_mode)m->mode);

		printf("%.*s%s%s\n", (int)m->len,
			members_address(&l->members, m),
			*mode != '\0' ? " " : "", mode);
	}
	return COMMAND_OK;
}

/* Whether the line is one of the setting key. */
static bool
is_of(char const *s, size_t len, char const *key)
{
	size_t const n = strlen(key);

	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	return len >= n && strncasecmp(s, key, n) == 0 &&
	       (len == n || s[n] == ' ' || s[n] == '\t' || s[n] == '\r');
}

static bool
put_setting(stralloc *out, char const *key, struct words const *w, bool often)
{
	bool ok = true;

	for (size_t i = 1; ok && i < w->count; i++) {
		bool const begins = i == 1 || often;

		ok = (!begins || stralloc_cats(out, key)) &&
		     stralloc_append(out, ' ') &&
		     stralloc_cats(out, w->list[i]) &&
		     (!(often || i + 1 == w->count) ||
			     stralloc_append(out, '\n'));
	}
	return ok;
}

static int
set(struct list *l, int root_fd, void *data)
{
	struct words const *const w = data;
	char const *const key = w->list[0];
	enum listset_key const kind = listset_key_kind(key, strlen(key));
	stralloc text = STRALLOC_ZERO;
	struct listset_fault fault;
	struct listset new;
	size_t pos = 0;
	int code = COMMAND_PERMANENT;
	bool ok = true;

	(void)root_fd;
	if (kind == LISTSET_UNKNOWN || strcasecmp(key, "address") == 0) {
		fprintf(stderr, "kereru: %s cannot be set: see list(5)\n", key);
		return COMMAND_PERMANENT;
	}
	while (ok && pos < l->set_text.len) {
		char const *const s = l->set_text.s + pos;
		char const *const lf = memchr(s, '\n', l->set_text.len - pos);
		size_t const n =
			lf != NULL ? (size_t)(lf - s) : l->set_text.len - pos;

		ok = is_of(s, n, key) || (stralloc_catb(&text, s, n) &&
						 stralloc_append(&text, '\n'));
		pos += n + 1;
	}
	ok = ok && put_setting(&text, key, w, kind == LISTSET_OFTEN);
	if (ok && !listset_parse(text.s, text.len, &new, &fault))
		fprintf(stderr, "kereru: %s: %s\n", key, fault.text);
	else if (ok && list_replace(l, LIST_SETTINGS, text.s, text.len))
		code = COMMAND_OK;
	else
		code = listwork_failed("write", LIST_SETTINGS);
	stralloc_free(&text);
	return code;
}

/* What is new goes behind the rest; who is there gets the mode. */
static int
merge(struct list *l, struct members const *new, enum member_mode mode)
{
	stralloc out = STRALLOC_ZERO;
	bool ok = stralloc_copyb(&out, l->members_text.s, l->members_text.len);
	size_t added = 0;

	if (ok && out.len > 0 && out.s[out.len - 1] != '\n')
		ok = stralloc_append(&out, '\n');
	for (size_t i = 0; ok && i < new->count; i++) {
		struct member const *const m = &new->list[i];
		char const *const address = members_address(new, m);
		char const *const name = members_mode_name(mode);

		if (members_find(&l->members, address, m->len) != NULL)
			continue;
		added++;
		ok = stralloc_catb(&out, address, m->len) &&
		     stralloc_cats(&out, *name != '\0' ? " " : "") &&
		     stralloc_cats(&out, name) && stralloc_append(&out, '\n');
	}
	ok = ok &&
	     (added == 0 || list_replace(l, LIST_MEMBERS, out.s, out.len));
	stralloc_free(&out);
	if (added > 0)
		l->has_members = false;
	for (size_t i = 0; ok && i < new->count; i++) {
		struct member const *const m = &new->list[i];
		char const *const address = members_address(new, m);
		struct member const *old;

		ok = list_load_members(l);
		old = ok ? members_find(&l->members, address, m->len) : NULL;
		if (old != NULL && old->mode != mode)
			ok = list_put_member(l, address, m->len, mode);
	}
	return ok ? COMMAND_OK : listwork_failed("write", LIST_MEMBERS);
}

/* False: told. */
static bool
check_lines(stralloc const *text)
{
	size_t pos = 0;

	while (pos < text->len) {
		char const *const s = text->s + pos;
		char const *const lf = memchr(s, '\n', text->len - pos);
		size_t n = lf != NULL ? (size_t)(lf - s) : text->len - pos;

		pos += n + 1;
		while (n > 0 && (s[n - 1] == '\r' || s[n - 1] == ' '))
			n--;
		if (n > 0 && !members_may_be(s, n)) {
			fprintf(stderr, "kereru: %.*s is no address\n", (int)n,
				s);
			return false;
		}
	}
	return true;
}

static int
subscribe(struct list *l, int root_fd, void *data)
{
	struct words *const w = data;
	struct members new = MEMBERS_ZERO;
	int code = COMMAND_PERMANENT;

	(void)root_fd;
	if (!check_lines(&w->text))
		return COMMAND_PERMANENT;
	if (!list_load_members(l) ||
		!members_read(&new, w->text.s, w->text.len))
		code = listwork_failed("read", LIST_MEMBERS);
	else
		code = merge(l, &new, w->mode);
	members_free(&new);
	return code;
}

static int
unsubscribe(struct list *l, int root_fd, void *data)
{
	struct words const *const w = data;
	int code = COMMAND_OK;

	(void)root_fd;
	for (size_t i = 0; i < w->count; i++) {
		size_t const len = strlen(w->list[i]);

		if (!list_load_members(l))
			return listwork_failed("read", LIST_MEMBERS);
		if (members_find(&l->members, w->list[i], len) == NULL) {
			fprintf(stderr, "kereru: %s is no member\n",
				w->list[i]);
			code = COMMAND_PERMANENT;
		} else if (!list_remove_member(l, w->list[i], len)) {
			return listwork_failed("write", LIST_MEMBERS);
		}
	}
	return code;
}

static bool
print_held(void *data, char const *id, struct list_mail *mail)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok = listhead_text(
		&text, mail->header.s, mail->header.len, "subject");

	(void)data;
	/* It is foreign: a terminal must not obey it. */
	for (size_t i = 0; ok && i < text.len; i++)
		if ((unsigned char)text.s[i] > 126)
			text.s[i] = '?';
	if (ok)
		printf("%s %.*s %.*s\n", id, (int)mail->author.len,
			mail->author.s, (int)text.len, text.s);
	stralloc_free(&text);
	return ok;
}

static int
held(struct list *l, int root_fd, void *data)
{
	(void)root_fd;
	return list_each_held(l, print_held, data)
		       ? COMMAND_OK
		       : listwork_failed("read", LIST_HELD);
}

static int
decide(struct list *l, int root_fd, void *data)
{
	struct words const *const w = data;
	int code = COMMAND_OK;

	(void)root_fd;
	for (size_t i = 0; i < w->count; i++) {
		int const r = list_decide(l, w->list[i], w->is_accepted);

		if (r > 0)
			continue;
		if (r == -1)
			return listwork_failed("send", w->list[i]);
		fprintf(stderr, "kereru: %s: %s\n", w->list[i],
			r == 0 ? "there is no such posting"
			       : "the archive has no room");
		code = COMMAND_PERMANENT;
	}
	return code;
}

static int
digest(struct list *l, int root_fd, void *data)
{
	struct words const *const w = data;
	size_t count;

	(void)root_fd;
	if (!list_digest_send(l, !w->is_quiet, &count))
		return listwork_failed("send", "the digest");
	if (count > 0 || !w->is_quiet)
		printf("%.*s: %zu postings\n", (int)l->set.address.len,
			l->set.address.s, count);
	return COMMAND_OK;
}

/* What is due, of all lists. */
static int
digests(char const *folder)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	struct words w = {.is_quiet = true};
	int code = config_read(&c, folder, &f) && f.count == 0
			   ? COMMAND_OK
			   : COMMAND_PERMANENT;

	for (size_t i = 0; code == COMMAND_OK && i < c.lists.count; i++)
		code = listwork_by_name(folder, c.lists.list[i].s, digest, &w);
	config_free(&c);
	return code;
}

/* The members of the command line, or of standard input. */
static bool
read_words(struct words *w)
{
	char buffer[65536];
	size_t n;

	if (w->count == 1 && strcmp(w->list[0], "-") == 0) {
		while ((n = fread(buffer, 1, sizeof buffer, stdin)) > 0)
			if (w->text.len > MEMBERS_TEXT_MAX ||
				!stralloc_catb(&w->text, buffer, n))
				return false;
		return !ferror(stdin) && stralloc_readyplus(&w->text, 1);
	}
	for (size_t i = 0; i < w->count; i++)
		if (!stralloc_cats(&w->text, w->list[i]) ||
			!stralloc_append(&w->text, '\n'))
			return false;
	return true;
}

static void
take_mode(struct words *w)
{
	if (w->count == 0)
		return;
	if (strcmp(w->list[0], "--digest") == 0)
		w->mode = MEMBER_DIGEST;
	else if (strcmp(w->list[0], "--nomail") == 0)
		w->mode = MEMBER_NOMAIL;
	else
		return;
	w->list++;
	w->count--;
}

static struct {
	char const *verb;
	size_t min, max; /* words behind the address */
	listwork_act *act;
} const verbs[] = {
	{"show", 0, 0, show},
	{"members", 0, 0, members},
	{"set", 1, SIZE_MAX, set},
	{"subscribe", 1, SIZE_MAX, subscribe},
	{"unsubscribe", 1, SIZE_MAX, unsubscribe},
	{"held", 0, 0, held},
	{"accept", 1, SIZE_MAX, decide},
	{"reject", 1, SIZE_MAX, decide},
	{"digest", 0, 0, digest},
};

int
command_list(struct command_context const *x, int argc, char const *const *argv)
{
	char key[ADDR_KEY_MAX + 1];
	char const *const verb = argc > 1 ? argv[1] : "";
	struct words w = {0};
	int code = COMMAND_PERMANENT;

	if (argc == 1)
		return list_all(x->folder);
	if (argc == 2 && strcmp(verb, "digest") == 0)
		return digests(x->folder);
	if (argc < 3)
		return fputs(usage, stderr), COMMAND_PERMANENT;
	if (!edit_address(argv[2], key, sizeof key))
		return COMMAND_PERMANENT;
	w.list = argv + 3;
	w.count = (size_t)argc - 3;
	w.is_accepted = strcmp(verb, "accept") == 0;
	if (strcmp(verb, "add") == 0 && w.count > 0)
		return add(x->folder, key, &w);
	if (strcmp(verb, "remove") == 0 && w.count == 0)
		return change(x->folder, key, NULL);
	if (strcmp(verb, "subscribe") == 0) {
		take_mode(&w);
		if (!read_words(&w))
			return listwork_failed("read", "the members");
	}
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].verb, verb) == 0 &&
			w.count >= verbs[i].min && w.count <= verbs[i].max) {
			code = listwork_by_name(
				x->folder, key, verbs[i].act, &w);
			stralloc_free(&w.text);
			return code;
		}
	fputs(usage, stderr);
	return COMMAND_PERMANENT;
}
