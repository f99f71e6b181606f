/* What auth is asked. */
#include <string.h>
#include "common/monitor/question.h"
#include "common/table.h"

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

void
question_set_client(struct question *q, char const *s, size_t len)
{
	q->client_len = len < sizeof q->client ? len : sizeof q->client;
	memcpy(q->client, s, q->client_len);
}

bool
question_find_hash(struct question *q, int table_fd)
{
	struct table passwords = TABLE_ZERO;
	char const *hash;
	size_t len;
	int found;

	if (!table_open_fd(&passwords, table_fd))
		return false;
	found = table_find(&passwords, q->user, q->user_len, &hash, &len);
	q->is_known = found > 0 && len < sizeof q->hash;
	if (q->is_known)
		memcpy(q->hash, hash, len);
	table_close(&passwords);
	return found >= 0;
}
