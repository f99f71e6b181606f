/* Where mail goes by hand, and which networks may send to the world. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <skalibs/types.h>
#include "common/addr.h"
#include "common/admin/config.h"

/* Split `hold`, `host`, `host:port`, `[address]`, `[address]:port` in place. */
static bool
read_next_hop(char *s, struct config_route *route)
{
	unsigned char raw[sizeof(struct in6_addr)];
	char *end = *s == '[' ? strchr(s, ']') : NULL;
	char *colon = end != NULL ? end + 1 : strrchr(s, ':');
	size_t len;

	if (colon != NULL && *colon == ':') {
		len = uint320_scan(colon + 1, &route->port);
		if (len == 0 || route->port == 0 || route->port > 65535)
			return false;
		*colon = '\0';
	} else if (colon != NULL && *colon != '\0') {
		return false;
	}
	route->host = s;
	route->is_hold = colon == NULL && strcmp(s, "hold") == 0;
	if (*s != '[')
		return addr_is_domain(s, strlen(s), 0);
	if (end == NULL)
		return false;
	*end = '\0';
	len = inet_pton(AF_INET, s + 1, raw) == 1 ||
	      inet_pton(AF_INET6, s + 1, raw) == 1;
	*end = ']';
	return len > 0;
}

/* A domain, `*`, or `@domain` of a sender. */
static bool
route_name(struct text const *t, struct faults *f, char *name, size_t *len)
{
	size_t n = *len - 1;

	if (strcmp(name, "*") == 0)
		return true;
	if (*name != '@')
		return config_domain_name(t, f, name, len);
	if (!config_domain_name(t, f, name + 1, &n))
		return false;
	*len = n + 1;
	return true;
}

static bool
read_routes(struct config *c, struct faults *f)
{
	struct text *t = &c->routes_text;
	char *line, *name, *hop, *more;
	size_t len, name_len, hop_len, more_len;

	while (config_line(t, f, &line, &len)) {
		struct config_route r = {.port = 0}, *added;
		struct config_domain const *d;
		if (!text_field(&line, &len, &name, &name_len) ||
			!route_name(t, f, name, &name_len))
			continue;
		r.name = (struct name){name, name_len, t->line};
		d = config_domain(c, name, name_len);
		if (d != NULL && !d->is_backup)
			fault(f, t->path, t->line,
				"%s is local: its mail is not sent on", name);
		if (!text_field(&line, &len, &hop, &hop_len) ||
			text_field(&line, &len, &more, &more_len) ||
			!read_next_hop(hop, &r)) {
			fault(f, t->path, t->line,
				"a line is `DOMAIN HOST[:PORT]`, where HOST is "
				"a name or an [address], or `DOMAIN hold`");
			continue;
		}
		if ((added = CONFIG_ADD(&c->routes)) == NULL)
			return false;
		*added = r;
	}
	name_sort(c->routes.list, c->routes.count, sizeof *c->routes.list);
	name_check_twice(c->routes.list, c->routes.count,
		sizeof *c->routes.list, t->path, f);
	return true;
}

static bool
is_masked(struct config_network const *n)
{
	for (uint32_t bit = n->bits; bit < (n->is_v6 ? 128u : 32u); bit++)
		if (n->address[bit / 8] & (0x80u >> (bit % 8)))
			return false;
	return true;
}

/* NULL, or what is wrong. */
static char const *
read_network(char *s, struct config_network *n)
{
	char *slash = strchr(s, '/');

	if (slash != NULL)
		*slash = '\0';
	n->is_v6 = strchr(s, ':') != NULL;
	n->bits = n->is_v6 ? 128 : 32;
	if (inet_pton(n->is_v6 ? AF_INET6 : AF_INET, s, n->address) != 1)
		return "a line is an address, or ADDRESS/BITS";
	if (slash != NULL) {
		uint32_t bits;
		if (uint320_scan(slash + 1, &bits) == 0 || bits > n->bits)
			return "the number of bits is wrong";
		if (bits == 0)
			return "this is the whole world, which nobody relays "
			       "for";
		n->bits = bits;
	}
	return is_masked(n) ? NULL
			    : "the address has bits outside of the network";
}

static bool
read_networks(struct config *c, struct faults *f)
{
	struct text *t = &c->networks_text;
	char *line, *s, *more;
	size_t len, s_len, more_len;

	while (config_line(t, f, &line, &len)) {
		struct config_network n = {.is_v6 = false}, *added;
		char const *wrong;
		if (!text_field(&line, &len, &s, &s_len))
			continue;
		wrong = read_network(s, &n);
		if (wrong == NULL && text_field(&line, &len, &more, &more_len))
			wrong = "one network a line";
		if (wrong != NULL) {
			fault(f, t->path, t->line, "%s", wrong);
			continue;
		}
		if ((added = CONFIG_ADD(&c->networks)) == NULL)
			return false;
		*added = n;
		added->line = t->line;
	}
	return true;
}

bool
config_read_routing(struct config *c, struct faults *f)
{
	return read_routes(c, f) && read_networks(c, f);
}
