/* Annotations that are told of when they change; see notify_parts.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>

#include "common/annotations.h"
#include "imapd/naming.h"
#include "imapd/notify_parts.h"
#include "mime/imap.h"

void
notify_known_free(struct known_list *k)
{
	for (size_t i = 0; i < k->count; i++)
		free(k->v[i].name);
	free(k->v);
	*k = (struct known_list){0};
}

static int
folder_of(struct session const *s, char const *name)
{
	char dir[BOXNAME_MAX + 2];

	boxname_dir(name, dir);
	return openat(s->root_fd, dir,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool
notify_known_read(int fd, char const *file, struct known_list *k)
{
	stralloc text = STRALLOC_ZERO, value = STRALLOC_ZERO;
	bool ok = fd >= 0 && annotations_read(fd, file, &text) >= 0;
	struct annotation a;
	size_t pos = 0;

	*k = (struct known_list){0};
	k->v = calloc(ANNOTATIONS_MAX, sizeof *k->v);
	ok = ok && k->v != NULL;
	while (ok && k->count < ANNOTATIONS_MAX &&
		annotations_next(&text, &pos, &value, &a) > 0) {
		struct known *const one = &k->v[k->count];

		one->name = strdup(a.name);
		ok = one->name != NULL &&
		     crypto_generichash(one->hash, sizeof one->hash,
			     (unsigned char const *)a.value, a.value_len, NULL,
			     0) == 0;
		k->count += one->name != NULL;
	}
	stralloc_free(&text);
	stralloc_free(&value);
	return ok;
}

static struct known const *
find_known(struct known_list const *k, char const *name)
{
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->v[i].name, name) == 0)
			return &k->v[i];
	return NULL;
}

/* Append the names in a that are not the same in b; gone: not there at all. */
static bool
add_changes(stralloc *out, struct known_list const *a,
	struct known_list const *b, bool gone, bool *any)
{
	for (size_t i = 0; i < a->count; i++) {
		struct known const *const other = find_known(b, a->v[i].name);

		if (other != NULL && (gone || memcmp(other->hash, a->v[i].hash,
						      sizeof other->hash) == 0))
			continue;
		*any = true;
		if (!stralloc_catb(out, " ", 1) ||
			!imap_string(out, a->v[i].name, strlen(a->v[i].name)))
			return false;
	}
	return true;
}

/* name: "" for the server. */
void
notify_known_tell(struct session *s, char const *name, struct known_list *old)
{
	bool const server = *name == '\0';
	int const fd = server ? s->root_fd : folder_of(s, name);
	struct known_list new;
	bool any = false;

	if (!notify_known_read(fd,
		    server ? ANNOTATIONS_SERVER : ANNOTATIONS_MAILBOX, &new)) {
		notify_known_free(&new);
		goto done;
	}
	s->out.len = 0;
	if (stralloc_cats(&s->out, "* METADATA ") &&
		(server ? stralloc_cats(&s->out, "\"\"")
			: naming_out(s->utf8, &s->out, name)) &&
		add_changes(&s->out, &new, old, false, &any) &&
		add_changes(&s->out, old, &new, true, &any) && any &&
		stralloc_cats(&s->out, "\r\n"))
		session_send(s);
	notify_known_free(old);
	*old = new;
done:
	if (!server && fd >= 0)
		close(fd);
}

void
notify_known_mailbox(
	struct session const *s, char const *name, struct known_list *k)
{
	int const fd = folder_of(s, name);

	(void)!notify_known_read(fd, ANNOTATIONS_MAILBOX, k);
	if (fd >= 0)
		close(fd);
}
