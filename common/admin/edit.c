/* Changing lines of the text files on behalf of a person. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include <skalibs/stralloc.h>
#include "common/addr.h"
#include "common/admin/command.h"
#include "common/admin/edit.h"
#include "common/admin/text.h"

static bool
failed(char const *folder, char const *name)
{
	fprintf(stderr, "kereru: cannot change %s/%s: %s\n", folder, name,
		strerror(errno));
	return false;
}

bool
edit_begin(struct publish *p, char const *folder)
{
	return publish_begin(p, folder) || failed(folder, "");
}

int
edit_read(struct publish *p, struct config *c, char const *folder)
{
	struct faults f = {.is_quiet = true};

	*c = (struct config){.folder = folder};
	if (!edit_begin(p, folder))
		return COMMAND_TEMPORARY;
	if (config_read(c, folder, &f) && f.count == 0)
		return COMMAND_OK;
	fprintf(stderr, "kereru: nothing was changed\n");
	config_free(c);
	edit_end(p);
	return COMMAND_PERMANENT;
}

/* The key of a line: its first field as an address or a domain. */
static bool
has_key(char const *line, size_t len, char const *key)
{
	struct addr a;
	enum addr_error error;
	char normal[ADDR_KEY_MAX];
	size_t n = 0, key_len = strlen(key);

	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (n < len && line[n] != ' ' && line[n] != '\t')
		n++;
	if (addr_parse(line, n, ADDR_ALLOW_UTF8, &a, &error)) {
		n = addr_key(&a, normal, sizeof normal);
		return n == key_len && memcmp(normal, key, n) == 0;
	}
	return n == key_len && strncasecmp(line, key, n) == 0;
}

static bool
rewrite(struct text const *t, char const *drop, char const *add, stralloc *sa)
{
	size_t pos = 0;

	while (pos < t->len) {
		char const *s = t->s + pos;
		char const *newline = memchr(s, '\n', t->len - pos);
		size_t len =
			newline != NULL ? (size_t)(newline - s) : t->len - pos;
		if ((drop == NULL || !has_key(s, len, drop)) &&
			(!stralloc_catb(sa, s, len) ||
				!stralloc_append(sa, '\n')))
			return false;
		pos += len + (newline != NULL);
	}
	return add == NULL ||
	       (stralloc_cats(sa, add) && stralloc_append(sa, '\n'));
}

bool
edit_file(struct publish *p, char const *name, char const *drop,
	char const *add, mode_t mode)
{
	struct text t;
	stralloc sa = STRALLOC_ZERO;
	int fd = -1;
	bool ok = text_read(&t, p->folder, name) &&
		  rewrite(&t, drop, add, &sa) &&
		  (fd = publish_open(p, name)) >= 0;

	if (ok && allwrite(fd, sa.s, sa.len) < sa.len) {
		int error = errno;
		close(fd);
		errno = error;
		ok = false;
	} else if (ok) {
		ok = publish_close(fd, t.exists ? t.owner : 0, 0,
			t.exists ? t.mode & 07777 : mode);
	}
	if (!ok)
		(void)failed(p->folder, name);
	text_free(&t);
	stralloc_free(&sa);
	return ok;
}

bool
edit_commit(struct publish *p)
{
	return publish_commit(p) || failed(p->folder, "");
}

void
edit_end(struct publish *p)
{
	publish_end(p);
}

bool
edit_address(char const *s, char *key, size_t size)
{
	struct addr a;
	enum addr_error error;
	size_t len = strlen(s);

	if (!addr_parse(s, len, ADDR_ALLOW_UTF8, &a, &error)) {
		fprintf(stderr, "kereru: %s is no address: %s\n", s,
			addr_strerror(error));
		return false;
	}
	len = a.is_literal ? 0 : addr_key(&a, key, size - 1);
	if (len == 0 || strpbrk(s, " \t#") != NULL) {
		fprintf(stderr, "kereru: %s cannot be an address here\n", s);
		return false;
	}
	key[len] = '\0';
	return true;
}
