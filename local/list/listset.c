/* The settings of a mailing list; see listset.h. */
#include "local/list/listset.h"
#include <string.h>
#include <strings.h>
#include "common/addr.h"

static bool
is(struct listset_text const *v, char const *word)
{
	return v->len == strlen(word) && strncasecmp(v->s, word, v->len) == 0;
}

/* The place of a value among words, NULL-ended; -1: it is none of them. */
static int
choose(struct listset_text const *v, char const *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (is(v, words[i]))
			return i;
	return -1;
}

static char const *
put_flag(struct listset_text const *v, bool *out)
{
	static char const *const words[] = {"no", "yes", NULL};
	int const i = choose(v, words);

	*out = i == 1;
	return i < 0 ? "the value is yes or no" : NULL;
}

static char const *
put_number(struct listset_text const *v, uint64_t *out)
{
	uint64_t n = 0;

	if (v->len == 0 || v->len > 12)
		return "the value is a number";
	for (size_t i = 0; i < v->len; i++) {
		if (v->s[i] < '0' || v->s[i] > '9')
			return "the value is a number";
		n = n * 10 + (uint64_t)(v->s[i] - '0');
	}
	*out = n;
	return NULL;
}

static bool
is_address(struct listset_text const *v)
{
	enum addr_error ignored;
	struct addr a;

	return addr_parse(v->s, v->len, ADDR_ALLOW_UTF8, &a, &ignored) &&
	       !a.is_literal;
}

static char const *
put_person(
	struct listset_text const *v, struct listset_text *list, size_t *count)
{
	if (!is_address(v))
		return "the value is an address";
	if (*count == LISTSET_PEOPLE_MAX)
		return "there are too many of these";
	list[(*count)++] = *v;
	return NULL;
}

static char const *
set_address(struct listset *set, struct listset_text const *v)
{
	char const *const at = memrchr(v->s, '@', v->len);

	/* `LIST-unsubscribe+TOKEN` must be a local part. */
	if (!is_address(v) || at == NULL || *v->s == '"' ||
		memchr(v->s, '+', (size_t)(at - v->s)) != NULL ||
		at - v->s > ADDR_LOCAL_MAX - 13)
		return "the value is an address, of at most 51 octets in front "
		       "of its @, without quotes and +";
	set->address = *v;
	set->local_len = (size_t)(at - v->s);
	return NULL;
}

static char const *
set_name(struct listset *set, struct listset_text const *v)
{
	set->name = *v;
	return v->len > 100 ? "the value is too long" : NULL;
}

static char const *
set_tag(struct listset *set, struct listset_text const *v)
{
	set->tag = *v;
	return v->len > 60 ? "the value is too long" : NULL;
}

static char const *
set_url(struct listset *set, struct listset_text const *v)
{
	if (v->len > LISTSET_URL_MAX || v->len < 10 ||
		strncasecmp(v->s, "https://", 8) != 0)
		return "the value is an address that begins with https://, of "
		       "at most 230 octets";
	for (size_t i = 0; i < v->len; i++)
		if (v->s[i] <= ' ' || v->s[i] > '~' ||
			strchr("<>\"\\", v->s[i]) != NULL)
			return "the value has octets that no URL has";
	set->url = *v;
	return NULL;
}

static char const *
set_owner(struct listset *set, struct listset_text const *v)
{
	return put_person(v, set->owners, &set->owner_count);
}

static char const *
set_moderator(struct listset *set, struct listset_text const *v)
{
	return put_person(v, set->moderators, &set->moderator_count);
}

static char const *
set_post(struct listset *set, struct listset_text const *v)
{
	static char const *const words[] = {
		"anyone", "members", "moderators", NULL};
	int const i = choose(v, words);

	set->post = (enum listset_post)(i < 0 ? 0 : i);
	return i < 0 ? "the value is anyone, members or moderators" : NULL;
}

static char const *
set_others(struct listset *set, struct listset_text const *v)
{
	static char const *const words[] = {"hold", "refuse", "drop", NULL};
	int const i = choose(v, words);

	set->others = (enum listset_others)(i < 0 ? 0 : i);
	return i < 0 ? "the value is hold, refuse or drop" : NULL;
}

static char const *
set_join(struct listset *set, struct listset_text const *v)
{
	static char const *const words[] = {"open", "owner", "closed", NULL};
	int const i = choose(v, words);

	set->join = (enum listset_join)(i < 0 ? 0 : i);
	return i < 0 ? "the value is open, owner or closed" : NULL;
}

static char const *
set_from(struct listset *set, struct listset_text const *v)
{
	static char const *const words[] = {"auto", "always", "never", NULL};
	int const i = choose(v, words);

	set->from = (enum listset_from)(i < 0 ? 0 : i);
	return i < 0 ? "the value is auto, always or never" : NULL;
}

static char const *
set_reply_to(struct listset *set, struct listset_text const *v)
{
	static char const *const words[] = {"author", "list", NULL};
	int const i = choose(v, words);

	set->reply_to_list = i == 1;
	return i < 0 ? "the value is author or list" : NULL;
}

static char const *
set_footer(struct listset *set, struct listset_text const *v)
{
	return put_flag(v, &set->has_footer);
}

static char const *
set_archive(struct listset *set, struct listset_text const *v)
{
	return put_flag(v, &set->has_archive);
}

static char const *
set_size_max(struct listset *set, struct listset_text const *v)
{
	return put_number(v, &set->size_max);
}

static char const *
set_digest_size(struct listset *set, struct listset_text const *v)
{
	return put_number(v, &set->digest_size);
}

static char const *
set_digest_hours(struct listset *set, struct listset_text const *v)
{
	return put_number(v, &set->digest_hours);
}

static char const *
set_bounce_days(struct listset *set, struct listset_text const *v)
{
	return put_number(v, &set->bounce_days);
}

static struct {
	char const *key;
	enum listset_key kind;
	char const *(*set)(struct listset *set, struct listset_text const *v);
} const keys[] = {
	{"address", LISTSET_ONCE, set_address},
	{"name", LISTSET_ONCE, set_name},
	{"owner", LISTSET_OFTEN, set_owner},
	{"moderator", LISTSET_OFTEN, set_moderator},
	{"post", LISTSET_ONCE, set_post},
	{"others", LISTSET_ONCE, set_others},
	{"join", LISTSET_ONCE, set_join},
	{"subject-tag", LISTSET_ONCE, set_tag},
	{"footer", LISTSET_ONCE, set_footer},
	{"from-rewrite", LISTSET_ONCE, set_from},
	{"reply-to", LISTSET_ONCE, set_reply_to},
	{"archive", LISTSET_ONCE, set_archive},
	{"unsubscribe-url", LISTSET_ONCE, set_url},
	{"max-size", LISTSET_ONCE, set_size_max},
	{"digest-size", LISTSET_ONCE, set_digest_size},
	{"digest-hours", LISTSET_ONCE, set_digest_hours},
	{"bounce-days", LISTSET_ONCE, set_bounce_days},
};
#define KEYS (sizeof keys / sizeof *keys)

static size_t
find_key(char const *key, size_t len)
{
	size_t i = 0;

	while (i < KEYS && (strlen(keys[i].key) != len ||
				   strncasecmp(keys[i].key, key, len) != 0))
		i++;
	return i;
}

enum listset_key
listset_key_kind(char const *key, size_t len)
{
	size_t const i = find_key(key, len);

	return i < KEYS ? keys[i].kind : LISTSET_UNKNOWN;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line; seen: a bit for each key that has been there. */
static char const *
read_line(struct listset *set, char const *s, size_t len, uint32_t *seen)
{
	struct listset_text v;
	size_t n = 0, i;

	while (len > 0 && is_blank(*s)) {
		s++;
		len--;
	}
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	if (len == 0 || *s == '#')
		return NULL;
	for (i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 127)
			return "a control character";
	while (n < len && !is_blank(s[n]))
		n++;
	i = find_key(s, n);
	if (i == KEYS)
		return "there is no such setting of a list";
	if (keys[i].kind == LISTSET_ONCE && (*seen & 1u << i))
		return "it stands there twice";
	*seen |= 1u << i;
	while (n < len && is_blank(s[n]))
		n++;
	v = (struct listset_text){s + n, len - n};
	return v.len == 0 ? "it has no value" : keys[i].set(set, &v);
}

bool
listset_parse(char const *s, size_t len, struct listset *set,
	struct listset_fault *fault)
{
	uint32_t seen = 0;
	size_t pos = 0;

	*set = (struct listset){.post = LISTSET_MEMBERS,
		.has_archive = true,
		.digest_size = 40000,
		.digest_hours = 24,
		.bounce_days = 4};
	*fault = (struct listset_fault){0};
	if (len > LISTSET_MAX) {
		fault->text = "the settings are too long";
		return false;
	}
	while (pos < len) {
		char const *const lf = memchr(s + pos, '\n', len - pos);
		size_t const n =
			lf != NULL ? (size_t)(lf - s) - pos : len - pos;

		fault->line++;
		fault->text = read_line(set, s + pos, n, &seen);
		if (fault->text != NULL)
			return false;
		pos += n + 1;
	}
	fault->line = 0;
	if (set->address.len == 0)
		fault->text = "the list has no address";
	else if (set->owner_count == 0)
		fault->text = "the list has no owner";
	if (set->name.len == 0)
		set->name =
			(struct listset_text){set->address.s, set->local_len};
	return fault->text == NULL;
}

bool
listset_has(struct listset_text const *list, size_t count, char const *s,
	size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].len == len && strncasecmp(list[i].s, s, len) == 0)
			return true;
	return false;
}
