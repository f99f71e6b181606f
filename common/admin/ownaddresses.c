/* The addresses by which the world reaches this host. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/netlist.h"
#include "common/admin/ownaddresses.h"

/* RFC 6890 and its registry. In IPv6 all but 2000::/3 is private. */
static char const not_public[] =
	"0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 "
	"172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/3";
static char const public_v6[] = "2000::/3";

/* Flags of an address in /proc/net/if_inet6 (linux/if_addr.h). */
#define TEMPORARY 0x01u
#define DEPRECATED 0x20u
#define TENTATIVE 0x40u

bool
ownaddresses_is_public(char const *address)
{
	unsigned char raw[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, address, raw) == 1)
		return !netlist_holds(not_public, address);
	return inet_pton(AF_INET6, address, raw) == 1 &&
	       netlist_holds(public_v6, address);
}

static void
add(struct ownaddresses *a, char const *address, bool is_chosen)
{
	if (!is_chosen && !ownaddresses_is_public(address))
		return;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i], address) == 0)
			return;
	if (a->count == OWNADDRESSES_MAX)
		return;
	snprintf(a->text[a->count], sizeof a->text[0], "%s", address);
	a->list[a->count] = a->text[a->count];
	a->count++;
}

static void
find_v4(struct ownaddresses *a)
{
	struct ifaddrs *all;
	char text[INET_ADDRSTRLEN];

	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs const *i = all; i != NULL; i = i->ifa_next) {
		struct sockaddr_in v4;
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
			!(i->ifa_flags & IFF_UP))
			continue;
		memcpy(&v4, i->ifa_addr, sizeof v4);
		if (inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text) != NULL)
			add(a, text, false);
	}
	freeifaddrs(all);
}

/* getifaddrs does not tell which are temporary; this file does. */
static void
find_v6(struct ownaddresses *a)
{
	FILE *f = fopen("/proc/net/if_inet6", "re");
	char line[256], digits[33], text[INET6_ADDRSTRLEN];
	unsigned flags;

	if (f == NULL)
		return;
	while (fgets(line, sizeof line, f) != NULL) {
		unsigned char raw[sizeof(struct in6_addr)];
		bool ok = sscanf(line, "%32[0-9a-f] %*x %*x %*x %x", digits,
				  &flags) == 2 &&
			  strlen(digits) == 32 &&
			  (flags & (TEMPORARY | DEPRECATED | TENTATIVE)) == 0;
		for (size_t i = 0; ok && i < sizeof raw; i++) {
			char pair[3] = {digits[2 * i], digits[2 * i + 1], 0};
			raw[i] = (unsigned char)strtoul(pair, NULL, 16);
		}
		if (ok && inet_ntop(AF_INET6, raw, text, sizeof text) != NULL)
			add(a, text, false);
	}
	fclose(f);
}

void
ownaddresses_find(struct ownaddresses *a, struct values const *v)
{
	char const *s = values_text(v, "public-addresses");

	*a = (struct ownaddresses){0};
	while (*s != '\0') {
		char one[INET6_ADDRSTRLEN];
		size_t len = strcspn(s, " ");
		snprintf(one, sizeof one, "%.*s", (int)len, s);
		add(a, one, true);
		s += len;
		s += strspn(s, " ");
	}
	if (a->count > 0)
		return;
	find_v4(a);
	find_v6(a);
}
