/* Who may send to the world without a login, or say which address it has. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "common/netlist.h"
#include "common/admin/check/doctor.h"

/* More than the largest block that one owner ever had. */
#define OPEN_V4 8
#define OPEN_V6 16
/* A provider of its own customers has at most this, and knows about it. */
#define WIDE_V4 16
#define WIDE_V6 32

/* Nobody on the Internet has these (RFC 1918, 6598, 3927, 4193, 4291). */
static char const inner[] = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 "
			    "100.64.0.0/10 169.254.0.0/16 127.0.0.0/8 fc00::/7 "
			    "fe80::/10 ::1";

static void
one_network(struct doctor *d, struct config_network const *n)
{
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];
	char const *path = d->config.networks_text.path;

	if (inet_ntop(n->is_v6 ? AF_INET6 : AF_INET, n->address, address,
		    sizeof address) == NULL)
		return;
	snprintf(text, sizeof text, "%s/%u", address, (unsigned)n->bits);
	if (n->bits < (n->is_v6 ? OPEN_V6 : OPEN_V4) &&
		!(n->is_v6 && n->bits >= 7 && netlist_holds(inner, address)))
		doctor_find(
			d, FIND_RELAY_OPEN, n->line, path, text, NULL, NULL);
	else if (n->bits < (n->is_v6 ? WIDE_V6 : WIDE_V4) &&
		 !netlist_holds(inner, address))
		doctor_find(
			d, FIND_RELAY_WIDE, n->line, path, text, NULL, NULL);
}

/* Balancers are a few hosts. */
static void
balancers(struct doctor *d, char const *key)
{
	struct values const *v = &d->config.values;
	char const *s = values_text(v, key);

	while (*s != '\0') {
		size_t len = strcspn(s, " ");
		char item[NETLIST_ITEM_MAX + 1] = "";
		char const *slash;
		unsigned bits = 128;
		snprintf(item, sizeof item, "%.*s", (int)len, s);
		slash = strchr(item, '/');
		if (slash != NULL && sscanf(slash + 1, "%u", &bits) == 1 &&
			bits < (strchr(item, ':') != NULL ? OPEN_V6 : OPEN_V4))
			doctor_find(d, FIND_PROXY_OPEN, values_line(v, key),
				v->text.path, key, item, NULL);
		s += len + (s[len] == ' ');
	}
}

void
relay_examine(struct doctor *d)
{
	for (size_t i = 0; i < d->config.networks.count; i++)
		one_network(d, &d->config.networks.list[i]);
	balancers(d, "proxy-from");
	balancers(d, "xclient-from");
}
