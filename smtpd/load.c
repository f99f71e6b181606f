/* What the queue's manager says of its disk and its work. */
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/fullbox.h"
#include "common/monitor/front.h"
#include "smtpd/command.h"
#include "smtpd/load.h"

#define LOAD_MAX 256
#define SCARCE_MS 250
/* Files for each of which everybody waits a millisecond more. */
#define FILES_A_MS 10

/* The value of the line `key value` in s, without the blanks behind it. */
static bool
find(char const *s, size_t len, char const *key, char const **value_r,
	size_t *len_r)
{
	size_t key_len = strlen(key);

	while (len > 0) {
		char const *end = memchr(s, '\n', len);
		size_t n = end != NULL ? (size_t)(end - s) : len;

		if (n > key_len && s[key_len] == ' ' &&
			memcmp(s, key, key_len) == 0) {
			*value_r = s + key_len + 1;
			*len_r = n - key_len - 1;
			while (*len_r > 0 && (*value_r)[*len_r - 1] == ' ')
				--*len_r;
			return true;
		}
		n += end != NULL;
		s += n;
		len -= n;
	}
	return false;
}

static bool
is(char const *s, size_t len, char const *word)
{
	return len == strlen(word) && memcmp(s, word, len) == 0;
}

bool
smtp_load_parse(char const *s, size_t len, struct smtp_load *load_r)
{
	char const *value;
	size_t n;

	*load_r = (struct smtp_load){.behind = 0};
	if (!find(s, len, "kereru-load", &value, &n) || !is(value, n, "1") ||
		!find(s, len, "room", &value, &n))
		return false;
	load_r->is_full = is(value, n, "none");
	load_r->is_scarce = is(value, n, "scarce");
	return find(s, len, "behind", &value, &n) &&
	       smtp_number(value, n, &load_r->behind);
}

int
smtp_load_wait_ms(struct smtp_load const *load)
{
	uint64_t ms = load->is_scarce ? SCARCE_MS : 0;

	if (load->behind > SMTP_LOAD_BEHIND)
		ms += (load->behind - SMTP_LOAD_BEHIND) / FILES_A_MS;
	return ms < SMTP_LOAD_WAIT_MAX_MS ? (int)ms : SMTP_LOAD_WAIT_MAX_MS;
}

void
smtp_load_read(struct smtp_load *load_r)
{
	char s[LOAD_MAX];
	ssize_t n = pread(FRONT_LOAD_FD, s, sizeof s, 0);

	if (n <= 0 || !smtp_load_parse(s, (size_t)n, load_r))
		*load_r = (struct smtp_load){.behind = 0};
}

bool
smtp_load_is_full(void)
{
	struct smtp_load load;

	smtp_load_read(&load);
	return load.is_full;
}

bool
smtp_load_mailbox_is_full(struct addr const *a)
{
	uint64_t const now = (uint64_t)time(NULL);
	char key[ADDR_KEY_MAX];
	size_t len = addr_key(a, key, sizeof key);

	if (len > 0 && fullbox_has(FRONT_LOAD_FD, key, len, now))
		return true;
	len = len > 0 ? addr_key_base(key, len) : 0;
	return len > 0 && fullbox_has(FRONT_LOAD_FD, key, len, now);
}
