/* Who was told what, and telling the owners; see list.h. */
#include <string.h>
#include "common/log.h"
#include "local/list/list.h"
#include "local/list/listtext.h"
#include "local/seen.h"

static void
hash_of(char hash[SEEN_HASH_SIZE], char const *address, size_t len,
	char const *reason)
{
	stralloc low = STRALLOC_ZERO;

	/* Without memory another hash comes out: it is told once more. */
	if (stralloc_catb(&low, address, len))
		for (size_t i = 0; i < low.len; i++)
			if (low.s[i] >= 'A' && low.s[i] <= 'Z')
				low.s[i] = (char)(low.s[i] + ('a' - 'A'));
	seen_hash(hash, SEEN_ANSWER, reason, strlen(reason),
		low.s != NULL ? low.s : "", low.len);
	stralloc_free(&low);
}

bool
list_may_tell(
	struct list *l, char const *address, size_t len, char const *reason)
{
	char hash[SEEN_HASH_SIZE];

	hash_of(hash, address, len, reason);
	return !seen_has(l->root_fd, hash, l->now);
}

void
list_note_told(
	struct list *l, char const *address, size_t len, char const *reason)
{
	char hash[SEEN_HASH_SIZE];

	hash_of(hash, address, len, reason);
	if (!seen_note(l->root_fd, hash, l->now + LIST_DAY, l->now))
		log_error("list-seen", NULL, (char *)0);
}

static bool
tell_owner(struct list *l, struct listset_text const *owner,
	char const *subject, char const *text)
{
	struct listtext const t = {.set = &l->set,
		.hostname = l->hostname,
		.now = l->now,
		.to = owner->s,
		.to_len = owner->len,
		.subject = subject};
	stralloc message = STRALLOC_ZERO;
	bool const ok = listtext_make(&message, &t, text, strlen(text)) &&
			list_tell(l, "", owner->s, owner->len, &message);

	stralloc_free(&message);
	return ok;
}

bool
list_tell_owners(struct list *l, char const *subject, char const *text,
	char const *reason)
{
	for (size_t i = 0; i < l->set.owner_count; i++) {
		struct listset_text const *const o = &l->set.owners[i];

		if (!list_may_tell(l, o->s, o->len, reason))
			continue;
		if (!tell_owner(l, o, subject, text))
			return false;
		list_note_told(l, o->s, o->len, reason);
	}
	return true;
}
