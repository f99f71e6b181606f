/* What auth is asked. */
#include <stdlib.h>
#include <string.h>
#include "common/monitor/bearer.h"
#include "common/monitor/question.h"
#include "common/table.h"

struct entry {
	char const *hash, *keys; /* keys: NULL: none */
	size_t hash_len, keys_len;
};

/* authzid NUL authcid NUL password (RFC 4616); authzid empty or the same. */
static bool
split(struct question *q, char const *s, size_t len)
{
	char const *user = memchr(s, '\0', len);
	char const *password;
	size_t authzid_len, user_len, password_len;

	if (user == NULL)
		return false;
	authzid_len = (size_t)(user++ - s);
	password = memchr(user, '\0', len - authzid_len - 1);
	if (password == NULL)
		return false;
	user_len = (size_t)(password++ - user);
	password_len = len - (size_t)(password - s);
	if (user_len == 0 || user_len > sizeof q->user || password_len == 0 ||
		password_len >= sizeof q->password ||
		memchr(password, '\0', password_len) != NULL ||
		(authzid_len > 0 && (authzid_len != user_len ||
					    memcmp(s, user, authzid_len) != 0)))
		return false;
	memcpy(q->user, user, user_len);
	memcpy(q->password, password, password_len);
	q->user_len = user_len;
	q->password_len = password_len;
	return true;
}

/* Tables hold addresses in lower case; a bare name gets our domain. */
static bool
complete_user(struct question *q, char const *login_domain)
{
	size_t domain_len = strlen(login_domain);

	for (size_t i = 0; i < q->user_len; i++) {
		char c = q->user[i];
		if ((unsigned char)c <= ' ' || c == 127)
			return false;
		if (c >= 'A' && c <= 'Z')
			q->user[i] = (char)(c - 'A' + 'a');
	}
	if (memchr(q->user, '@', q->user_len) != NULL || domain_len == 0)
		return true;
	if (q->user_len + 1 + domain_len > sizeof q->user)
		return false;
	q->user[q->user_len++] = '@';
	memcpy(q->user + q->user_len, login_domain, domain_len);
	q->user_len += domain_len;
	return true;
}

bool
question_read(
	struct question *q, char const *s, size_t len, char const *login_domain)
{
	return split(q, s, len) && complete_user(q, login_domain);
}

bool
question_set_user(
	struct question *q, char const *s, size_t len, char const *login_domain)
{
	if (len == 0 || len > sizeof q->user)
		return false;
	memcpy(q->user, s, len);
	q->user_len = len;
	return complete_user(q, login_domain);
}

int
question_read_bearer(
	struct question *q, char const *s, size_t len, char const *login_domain)
{
	struct bearer b;

	if (!bearer_parse(s, len, &b) ||
		(b.user_len > 0 && !question_set_user(q, b.user, b.user_len,
					   login_domain)))
		return 0;
	q->token = strndup(b.token, b.token_len);
	return q->token != NULL ? 1 : -1;
}

bool
question_set_owner(
	struct question *q, char const *s, size_t len, char const *login_domain)
{
	struct question owner = {.user_len = 0};
	char const *end = memchr(s, '\n', len);

	if (end != NULL)
		len = (size_t)(end - s);
	if (!question_set_user(&owner, s, len, login_domain) ||
		(q->user_len > 0 &&
			(q->user_len != owner.user_len ||
				memcmp(q->user, owner.user, q->user_len) != 0)))
		return false;
	memcpy(q->user, owner.user, owner.user_len);
	q->user_len = owner.user_len;
	q->is_known = true;
	return true;
}

void
question_free(struct question *q)
{
	if (q->token != NULL)
		sodium_memzero(q->token, strlen(q->token));
	free(q->token);
	sodium_memzero(q, sizeof *q);
}

void
question_set_client(struct question *q, char const *s, size_t len,
	char const *service, size_t service_len)
{
	q->client_len = len < sizeof q->client ? len : sizeof q->client;
	memcpy(q->client, s, q->client_len);
	q->service_len = service_len < sizeof q->service ? service_len
							 : sizeof q->service;
	memcpy(q->service, service, q->service_len);
}

/* What passwords.cdb has of the user: a hash, and, behind a NUL, perhaps the
 * keys for SCRAM. As table_find. */
static int
find(struct table *passwords, struct question const *q, struct entry *entry_r)
{
	char const *value, *end;
	size_t len;
	int found = table_find(passwords, q->user, q->user_len, &value, &len);

	*entry_r = (struct entry){.hash = value};
	if (found <= 0)
		return found;
	end = memchr(value, '\0', len);
	entry_r->hash_len = end != NULL ? (size_t)(end - value) : len;
	if (end != NULL) {
		entry_r->keys = end + 1;
		entry_r->keys_len = len - entry_r->hash_len - 1;
	}
	return found;
}

/* One of several texts in a value, each NUL-ended. NULL: it is not there. */
static char const *
next_text(char const **value, size_t *len)
{
	char const *s = *value, *end = memchr(s, '\0', *len);

	if (end == NULL)
		return NULL;
	*len -= (size_t)(end + 1 - s);
	*value = end + 1;
	return s;
}

/* name, services, hash. False: the table is damaged. */
static bool
take_app(struct question *q, char const *value, size_t len)
{
	char const *name = next_text(&value, &len), *services, *hash;

	services = name != NULL ? next_text(&value, &len) : NULL;
	hash = services != NULL ? next_text(&value, &len) : NULL;
	if (hash == NULL || strlen(hash) >= sizeof q->hash ||
		strlen(name) >= sizeof q->app)
		return false;
	memcpy(q->app, name, strlen(name) + 1);
	memcpy(q->hash, hash, strlen(hash) + 1);
	q->is_known = apppass_allows(services, q->service, q->service_len);
	return true;
}

/* Whether it is a program's password: then it is judged as it was made. As
 * table_find. */
static int
find_app(struct table const *passwords, struct question *q)
{
	char normal[APPPASS_LEN + 1];
	char key[4 + APPPASS_SELECTOR_LEN + 1 + sizeof q->user] = "app ";
	char const *value;
	size_t len;
	int found;

	if (!apppass_normal(q->password, q->password_len, normal))
		return 0;
	memcpy(key + 4, normal, APPPASS_SELECTOR_LEN);
	key[4 + APPPASS_SELECTOR_LEN] = ' ';
	memcpy(key + 5 + APPPASS_SELECTOR_LEN, q->user, q->user_len);
	found = table_find(passwords, key,
		5 + APPPASS_SELECTOR_LEN + q->user_len, &value, &len);
	if (found > 0 && !take_app(q, value, len))
		found = -1;
	if (found > 0) {
		memcpy(q->password, normal, sizeof normal);
		q->password_len = APPPASS_LEN;
	}
	sodium_memzero(normal, sizeof normal);
	return found;
}

bool
question_find_hash(struct question *q, int table_fd)
{
	struct table passwords = TABLE_ZERO;
	struct entry e;
	int found;

	if (!table_open_fd(&passwords, table_fd))
		return false;
	found = find_app(&passwords, q);
	if (found == 0) {
		found = find(&passwords, q, &e);
		q->is_known = found > 0 && e.hash_len < sizeof q->hash;
		if (q->is_known)
			memcpy(q->hash, e.hash, e.hash_len);
	}
	table_close(&passwords);
	return found >= 0;
}

bool
question_find_keys(struct question *q, int table_fd, struct scramkey *key_r)
{
	struct table passwords = TABLE_ZERO;
	struct entry e;
	int found;

	if (!table_open_fd(&passwords, table_fd))
		return false;
	found = find(&passwords, q, &e);
	q->is_known = found > 0 && e.keys != NULL &&
		      scramkey_parse(e.keys, e.keys_len, key_r);
	table_close(&passwords);
	return found >= 0;
}
