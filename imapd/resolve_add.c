/* UIDs for what we put into a folder ourselves; see resolve.h. */
#include <errno.h>
#include <string.h>

#include "imapd/resolve.h"
#include "imapd/uidlines.h"
#include "imapd/validity.h"

bool
resolve_create(int root_fd, int folder_fd)
{
	stralloc out = STRALLOC_ZERO;
	uint32_t validity;
	bool const ok =
		validity_next(root_fd, &validity) &&
		uidlist_header_make(&out, validity, 1) &&
		uidlist_replace(folder_fd, UIDLIST_FILE, out.s, out.len);

	stralloc_free(&out);
	return ok;
}

/* Cut off what a crash left behind the last line end. */
static bool
mend(int folder_fd, struct uidlines *l)
{
	size_t len = l->text.len;

	while (len > 0 && l->text.s[len - 1] != '\n')
		len--;
	return uidlist_replace(folder_fd, UIDLIST_FILE, l->text.s, len);
}

static bool
ready_list(struct uidlines *l, int root_fd, int folder_fd)
{
	struct uidlist_line line;
	size_t pos, len;
	char const *s;

	if (!uidlines_read(l, folder_fd))
		return false;
	if (l->missing) {
		stralloc_free(&l->text);
		if (!resolve_create(root_fd, folder_fd) ||
			!uidlines_read(l, folder_fd))
			return false;
	}
	if (l->broken && l->header.version == 3 && !mend(folder_fd, l))
		return false;
	pos = l->body;
	while (uidlines_next(l, &pos, &line, &s, &len))
		continue;
	return true;
}

bool
resolve_add(int root_fd, int folder_fd, char const *const *names, size_t count,
	uint32_t *validity_r, uint32_t *first_r)
{
	stralloc out = STRALLOC_ZERO;
	struct uidlines l;
	bool ok = ready_list(&l, root_fd, folder_fd);

	if (ok) {
		*validity_r = l.header.validity;
		*first_r = l.header.next > l.last ? l.header.next : l.last + 1;
		if (count >= UINT32_MAX - *first_r) {
			errno = EOVERFLOW;
			ok = false;
		}
	}
	for (size_t i = 0; ok && i < count; i++)
		ok = uidlines_add(&out, l.header.version,
			*first_r + (uint32_t)i, names[i], strlen(names[i]));
	ok = ok && uidlist_append(folder_fd, out.s, out.len);

	int const error = errno;

	stralloc_free(&out);
	stralloc_free(&l.text);
	errno = error;
	return ok;
}
