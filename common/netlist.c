/* Lists of networks in a setting. */
#include <arpa/inet.h>
#include <string.h>
#include <skalibs/types.h>
#include "common/netlist.h"

struct network {
	bool is_v6;
	unsigned bits;
	unsigned char address[16];
};

static unsigned char const mapped[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool
parse_address(char const *s, struct network *n)
{
	n->is_v6 = strchr(s, ':') != NULL;
	n->bits = n->is_v6 ? 128 : 32;
	if (inet_pton(n->is_v6 ? AF_INET6 : AF_INET, s, n->address) != 1)
		return false;
	if (n->is_v6 && memcmp(n->address, mapped, sizeof mapped) == 0) {
		memmove(n->address, n->address + 12, 4);
		n->is_v6 = false;
		n->bits = 32;
	}
	return true;
}

static bool
parse(char const *s, size_t len, struct network *n)
{
	char text[NETLIST_ITEM_MAX + 1];
	char *slash;
	unsigned bits;

	if (len > NETLIST_ITEM_MAX || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash = '\0';
	if (!parse_address(text, n))
		return false;
	if (slash == NULL)
		return true;
	if (uint0_scan(slash + 1, &bits) == 0 || bits > n->bits)
		return false;
	n->bits = bits;
	return true;
}

/* Whether the first bits of both are the same. */
static bool
begins_alike(unsigned char const *a, unsigned char const *b, unsigned bits)
{
	unsigned rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 &&
	       (rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

bool
netlist_is_network(char const *s, size_t len)
{
	struct network n, own;

	if (!parse(s, len, &n))
		return false;
	own = n;
	for (unsigned i = n.bits; i < (n.is_v6 ? 128 : 32); i++)
		own.address[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	return memcmp(own.address, n.address, n.is_v6 ? 16 : 4) == 0;
}

bool
netlist_holds(char const *list, char const *address)
{
	struct network a, n;

	if (list == NULL || !parse_address(address, &a))
		return false;
	while (*list != '\0') {
		size_t len = strcspn(list, " ");

		if (parse(list, len, &n) && n.is_v6 == a.is_v6 &&
			begins_alike(n.address, a.address, n.bits))
			return true;
		list += len + strspn(list + len, " ");
	}
	return false;
}

bool
netlist_range(char const *s, size_t len, unsigned char range_r[32])
{
	struct network n;
	size_t skip;

	if (!parse(s, len, &n))
		return false;
	skip = n.is_v6 ? 0 : sizeof mapped;
	memcpy(range_r, mapped, sizeof mapped);
	memcpy(range_r + skip, n.address, 16 - skip);
	memcpy(range_r + 16, range_r, 16);
	for (size_t bit = n.bits + skip * 8; bit < 128; bit++) {
		unsigned char mask = (unsigned char)(0x80 >> bit % 8);

		range_r[bit / 8] &= (unsigned char)~mask;
		range_r[16 + bit / 8] |= mask;
	}
	return true;
}
