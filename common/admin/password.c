/* Making and judging password hashes. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "common/scramkey.h"
#include "common/admin/password.h"

/* 12 ms on a small server, so that a busy hour of logins does not hurt. */
#define OPS 2
#define MEMORY (19u * 1024 * 1024)

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES,
	"the size of libsodium's hash text");

bool
password_is_hash(char const *s)
{
	return strlen(s) < PASSWORD_HASH_SIZE &&
	       crypto_pwhash_str_needs_rehash(s, OPS, MEMORY) >= 0;
}

_Static_assert(PASSWORD_HASH_SIZE + SCRAMKEY_TEXT_SIZE <= PASSWORD_TEXT_SIZE,
	"room for both");

bool
password_make(char text_r[PASSWORD_TEXT_SIZE], char const *password, size_t len)
{
	struct scramkey key = {.iterations = SCRAMKEY_ITERATIONS};
	size_t hash_len;

	if (crypto_pwhash_str(text_r, password, len, OPS, MEMORY) != 0)
		return false;
	if (!scramkey_is_prepared(password, len)) {
		fprintf(stderr,
			"kereru: the password is not plain ASCII: logins "
			"by SCRAM will not work with it\n");
		return true;
	}
	hash_len = strlen(text_r);
	text_r[hash_len] = ' ';
	randombytes_buf(key.salt, sizeof key.salt);
	scramkey_derive(&key, password, len);
	scramkey_format(text_r + hash_len + 1, &key);
	sodium_memzero(&key, sizeof key);
	return true;
}

/* One line, octet by octet: nothing of it must stay in a stdio buffer. */
static bool
read_line(int fd, char password_r[PASSWORD_MAX], size_t *len_r)
{
	size_t len = 0;

	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 && len == 0)
			return false;
		if (n <= 0 || c == '\n')
			break;
		if (len == PASSWORD_MAX || c == '\0')
			return false;
		password_r[len++] = c;
	}
	*len_r = len;
	return len > 0;
}

static bool
ask_terminal(int fd, char const *prompt, char password_r[PASSWORD_MAX],
	size_t *len_r)
{
	struct termios before, silent;
	bool ok;

	if (tcgetattr(fd, &before) < 0)
		return false;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &silent) < 0)
		return false;
	dprintf(fd, "%s: ", prompt);
	ok = read_line(fd, password_r, len_r);
	dprintf(fd, "\n");
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	return ok;
}

bool
password_ask(char password_r[PASSWORD_MAX], size_t *len_r, bool from_stdin)
{
	char again[PASSWORD_MAX];
	size_t again_len = 0;
	int fd;
	bool ok;

	if (from_stdin) {
		ok = read_line(0, password_r, len_r);
		if (!ok)
			fprintf(stderr, "kereru: no password on the first line "
					"of standard input\n");
		return ok;
	}
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "kereru: no terminal to ask for a password; "
				"see --password-stdin\n");
		return false;
	}
	ok = ask_terminal(fd, "Password", password_r, len_r) &&
	     ask_terminal(fd, "Again", again, &again_len) &&
	     *len_r == again_len &&
	     sodium_memcmp(password_r, again, again_len) == 0;
	close(fd);
	sodium_memzero(again, sizeof again);
	if (!ok)
		fprintf(stderr, "kereru: empty, too long, or not the same "
				"twice\n");
	return ok;
}

bool
password_tell(char password_r[PASSWORD_MAX], size_t *len_r, int fd)
{
	int const tty =
		fd < 0 ? open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	bool ok;

	*len_r = 0;
	if (fd >= 0)
		ok = read_line(fd, password_r, len_r);
	else
		ok = tty >= 0 &&
		     ask_terminal(tty, "Password", password_r, len_r);
	if (tty >= 0)
		close(tty);
	if (!ok)
		fprintf(stderr, "kereru: no password\n");
	return ok;
}
