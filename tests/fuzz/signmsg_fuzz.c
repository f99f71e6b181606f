/*
 * Any message signed and sealed: what is made is whole header lines, and a
 * signature over what the host gets to see.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <skalibs/cdbmake.h>
#include "common/databody.h"
#include "mime/dkim/dkim_sign.h"
#include "mime/reencode.h"
#include "queue/signmsg.h"

#define MESSAGE_MAX 65536

static struct table keys = TABLE_ZERO;

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
add(cdbmaker *maker, char const *key, char const *value, size_t len)
{
	if (!cdbmake_add(
		    maker, key, (unsigned)strlen(key), value, (unsigned)len))
		abort();
}

/* An Ed25519 key for a.test, which also seals. */
static void
set_up(void)
{
	int fd = memfd_create("keys", MFD_CLOEXEC);
	cdbmaker maker = CDBMAKER_ZERO;
	char value[DKIM_PEM_MAX + 8] = "s";

	if (fd < 0 || !dkim_private_make(0, value + 2) ||
		!cdbmake_start(&maker, fd))
		abort();
	add(&maker, "@a.test", value, strlen(value + 2) + 3);
	add(&maker, "hostname", "mx.a.test", 10);
	add(&maker, "forward-domain", "a.test", 7);
	add(&maker, "check", "1", 2);
	if (!cdbmake_finish(&maker) || !table_open_fd(&keys, fd))
		abort();
	close(fd);
}

struct sent {
	struct body plain;
	char s[8 * MESSAGE_MAX];
	size_t len;
};

static void
put(void *data, char const *s, size_t len)
{
	struct sent *x = data;

	if (BODY_MOST(len) > sizeof x->s - x->len)
		abort();
	x->len += body_push(&x->plain, s, len, x->s + x->len);
}

/* As remote sends it. */
static void
send(struct sent *x, char const *s, size_t len, bool is_seven)
{
	static struct reencode seven;

	x->plain = (struct body){.is_bare = true};
	x->len = 0;
	if (is_seven) {
		reencode_start(&seven, false, false);
		reencode_push(&seven, s, len);
		if (!reencode_end(&seven) || !seven.is_needed)
			abort();
		reencode_write(&seven, put, x);
		reencode_push(&seven, s, len);
		if (!reencode_end(&seven))
			abort();
		reencode_free(&seven);
	} else {
		put(x, s, len);
	}
	x->len += body_end(&x->plain, x->s + x->len);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct signmsg made;
	static struct sent sent;
	struct signask ask = {
		.wishes = data != NULL && size > 0 ? *data & 3u : 0,
		.is_free = true,
		.list = "a.test"};
	char again[DKIM_SIGN_MAX];
	struct signkeys_cursor c;
	struct signkey k;
	size_t len;
	int fd;

	if (size == 0 || size > MESSAGE_MAX)
		return 0;
	if (*data & 4u)
		ask.list_len = strlen(ask.list);
	if (!keys.open)
		set_up();
	fd = memfd_create("message", MFD_CLOEXEC);
	ask.message_len = size - 1;
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
		abort();
	if (!signmsg_make(&keys, &ask, fd, 1, &made))
		abort();
	close(fd);
	if (made.len > 0 && made.lines[made.len - 1] != '\n')
		abort();
	if (made.signatures == 0 || made.seals > 0)
		return 0;
	send(&sent, (char const *)data + 1, size - 1, made.is_seven);
	if (!signkeys_find(&keys, "a.test", &c) || !signkeys_next(&c, &k))
		abort();
	struct source message = {.bytes = sent.s, .len = sent.len};
	struct dkim_signer signer = {.key = &k.key,
		.domain = "a.test",
		.selector = k.selector,
		.now = 1};
	/* Ed25519 signs alike each time. */
	if (!dkim_sign(&message, &signer, again, &len) || len != made.len ||
		memcmp(again, made.lines, len) != 0)
		abort();
	return 0;
}
