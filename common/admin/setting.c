/* The settings: which there are, of what kind, their defaults. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <skalibs/types.h>
#include "common/addr.h"
#include "common/namelist.h"
#include "common/netlist.h"
#include "common/admin/setting.h"

#define YEAR (365u * 24 * 3600)
#define KIB 1024ull
#define GIB (KIB * KIB * KIB)

struct setting const setting_table[] = {
	{"hostname", SETTING_DOMAIN, NULL, 0, 0},
	{"state", SETTING_PATH, "/var/lib/kereru", 0, 0},
	{"libexec", SETTING_PATH, "/usr/local/libexec/kereru", 0, 0},
	{"account-smtpd", SETTING_ACCOUNT, "kr-smtpd", 0, 0},
	{"account-relay", SETTING_ACCOUNT, "kr-relay", 0, 0},
	{"account-submit", SETTING_ACCOUNT, "kr-submit", 0, 0},
	{"account-pop3d", SETTING_ACCOUNT, "kr-pop3d", 0, 0},
	{"account-imapd", SETTING_ACCOUNT, "kr-imapd", 0, 0},
	{"account-sieve", SETTING_ACCOUNT, "kr-sieve", 0, 0},
	{"account-auth", SETTING_ACCOUNT, "kr-auth", 0, 0},
	{"account-check", SETTING_ACCOUNT, "kr-check", 0, 0},
	{"account-policy", SETTING_ACCOUNT, "kr-policy", 0, 0},
	{"account-queue", SETTING_ACCOUNT, "kr-queue", 0, 0},
	{"account-remote", SETTING_ACCOUNT, "kr-remote", 0, 0},
	{"account-sign", SETTING_ACCOUNT, "kr-sign", 0, 0},
	{"account-sts", SETTING_ACCOUNT, "kr-sts", 0, 0},
	{"account-log", SETTING_ACCOUNT, "kr-log", 0, 0},
	{"group-drop", SETTING_GROUP, "kr-drop", 0, 0},
	{"mailbox-uids", SETTING_UIDS, "200000-299999", 0, 0},
	{"listen-smtp", SETTING_ADDRESSES, "0.0.0.0:25 [::]:25", 0, 0},
	{"listen-submit", SETTING_ADDRESSES, "0.0.0.0:587 [::]:587", 0, 0},
	{"listen-submits", SETTING_ADDRESSES, "0.0.0.0:465 [::]:465", 0, 0},
	{"listen-pop3", SETTING_ADDRESSES, "0.0.0.0:110 [::]:110", 0, 0},
	{"listen-pop3s", SETTING_ADDRESSES, "0.0.0.0:995 [::]:995", 0, 0},
	{"listen-imap", SETTING_ADDRESSES, "0.0.0.0:143 [::]:143", 0, 0},
	{"listen-imaps", SETTING_ADDRESSES, "0.0.0.0:993 [::]:993", 0, 0},
	{"listen-sieve", SETTING_ADDRESSES, "0.0.0.0:4190 [::]:4190", 0, 0},
	{"connections-max", SETTING_NUMBER, "1000", 1, 16384},
	{"connections-per-address", SETTING_NUMBER, "100", 1, 100000},
	{"tls-certificates", SETTING_PATHS, "tls/ec.pem tls/rsa.pem", 0, 0},
	{"resolver", SETTING_ADDRESSES, "", 0, 0},
	{"public-addresses", SETTING_HOSTS, "", 0, 0},
	{"web-host", SETTING_DOMAIN, "", 0, 0},
	{"sts-enforce", SETTING_SWITCH, "no", 0, 0},
	{"remote-port", SETTING_NUMBER, "25", 1, 65535},
	{"remote-hello", SETTING_DOMAIN, "", 0, 0},
	{"tls-anchors", SETTING_PATH, "/etc/ssl/certs/ca-certificates.crt", 0,
		0},
	{"sts", SETTING_SWITCH, "no", 0, 0},
	{"sts-port", SETTING_NUMBER, "443", 1, 65535},
	{"remote-timeout", SETTING_DURATION, "600", 1, 600},
	{"message-size-max", SETTING_SIZE, "50M", 64 * KIB, 4 * GIB - 1},
	{"recipients-max", SETTING_NUMBER, "1000", 1, 10000},
	{"queue-lifetime", SETTING_DURATION, "5d", 1, YEAR},
	{"retry-first", SETTING_DURATION, "5m", 1, YEAR},
	{"retry-max", SETTING_DURATION, "4h", 1, YEAR},
	{"delay-warning", SETTING_DURATION, "4h", 0, YEAR},
	{"local-concurrency", SETTING_NUMBER, "200", 1, 1000},
	{"delivery-encryption", SETTING_SWITCH, "no", 0, 0},
	{"remote-concurrency", SETTING_NUMBER, "100", 1, 1000},
	{"remote-concurrency-per-destination", SETTING_NUMBER, "10", 1, 1000},
	{"remote-concurrency-per-host", SETTING_NUMBER, "20", 1, 1000},
	{"forward-domain", SETTING_DOMAIN, "", 0, 0},
	{"send-unsigned", SETTING_SWITCH, "no", 0, 0},
	{"dkim-lifetime", SETTING_DURATION, "0", 0, YEAR},
	{"login-domain", SETTING_DOMAIN, "", 0, 0},
	{"scram", SETTING_SWITCH, "no", 0, 0},
	{"checkpassword", SETTING_PATH_NONE, "", 0, 0},
	{"oauth", SETTING_PATH_NONE, "", 0, 0},
	{"auth-cache", SETTING_DURATION, "60", 0, 24 * 3600},
	{"auth-delay", SETTING_DURATION, "1", 0, 30},
	{"proxy-from", SETTING_NETWORKS, "", 0, 0},
	{"xclient-from", SETTING_NETWORKS, "", 0, 0},
	{"repair-lines", SETTING_SWITCH, "no", 0, 0},
	{"line-length-max", SETTING_SIZE, "1M", 998, 4 * GIB - 1},
	{"errors-max", SETTING_NUMBER, "10", 1, 1000},
	{"refused-max", SETTING_NUMBER, "100", 1, 100000},
	{"tarpit-delay", SETTING_DURATION, "1", 0, 30},
	{"greet-delay", SETTING_DURATION, "0", 0, 30},
	{"hide-submitter", SETTING_SWITCH, "no", 0, 0},
	{"future-release-max", SETTING_DURATION, "30d", 0, YEAR},
	{"check", SETTING_SWITCH, "no", 0, 0},
	{"greet-refuse", SETTING_SWITCH, "yes", 0, 0},
	{"check-login", SETTING_SWITCH, "no", 0, 0},
	{"check-timeout", SETTING_DURATION, "120", 5, 540},
	{"check-dns-timeout", SETTING_DURATION, "5", 1, 60},
	{"check-concurrency", SETTING_NUMBER, "200", 1, 1000},
	{"check-messages", SETTING_NUMBER, "50", 1, 10000},
	{"classifier", SETTING_PATH_NONE, "/usr/bin/bogofilter", 0, 0},
	{"user-classifier", SETTING_SWITCH, "no", 0, 0},
	{"spam-teachers", SETTING_NAMES, "", 0, 0},
	{"spam-teacher-limit", SETTING_NUMBER, "100", 1, 1000000},
	{"user-classifier-junk", SETTING_SWITCH, "yes", 0, 0},
	{"user-programs", SETTING_PATH_NONE, "", 0, 0},
	{"program-timeout", SETTING_DURATION, "300", 1, 3600},
	{"program-memory", SETTING_SIZE, "512M", 16 * 1024 * KIB, 64 * GIB},
	{"hook-timeout", SETTING_DURATION, "30", 1, 300},
	{"hook-memory", SETTING_SIZE, "512M", 16 * 1024 * KIB, 64 * GIB},
	{"policy", SETTING_SWITCH, "no", 0, 0},
	{"greylist", SETTING_SWITCH, "no", 0, 0},
	{"greylist-delay", SETTING_DURATION, "5m", 1, 24 * 3600},
	{"greylist-window", SETTING_DURATION, "2d", 60, YEAR},
	{"greylist-lifetime", SETTING_DURATION, "36d", 3600, YEAR},
	{"rate-network-messages", SETTING_NUMBER, "0", 0, 10000000},
	{"rate-network-recipients", SETTING_NUMBER, "0", 0, 10000000},
	{"rate-user-messages", SETTING_NUMBER, "0", 0, 10000000},
	{"rate-user-recipients", SETTING_NUMBER, "0", 0, 10000000},
	{"outbound-guard", SETTING_SWITCH, "no", 0, 0},
	{"outbound-messages", SETTING_NUMBER, "200", 0, 1000000},
	{"outbound-recipients", SETTING_NUMBER, "500", 0, 1000000},
	{"outbound-new", SETTING_NUMBER, "100", 0, 1000000},
	{"outbound-unknown", SETTING_NUMBER, "20", 0, 1000000},
	{"outbound-networks", SETTING_NUMBER, "10", 0, 1000000},
	{"outbound-except", SETTING_NAMES, "", 0, 0},
	{"guess-delay-max", SETTING_DURATION, "15", 0, 60},
	{"smtp-timeout", SETTING_DURATION, "300", 1, 24 * 3600},
	{"imap-timeout", SETTING_DURATION, "1800", 1, 24 * 3600},
	{"pop3-timeout", SETTING_DURATION, "600", 1, 24 * 3600},
	{"sieve-timeout", SETTING_DURATION, "1800", 1, 24 * 3600},
	{"login-timeout", SETTING_DURATION, "60", 1, 24 * 3600},
};
size_t const setting_count = sizeof setting_table / sizeof *setting_table;

struct setting const *
setting_find(char const *key)
{
	for (size_t i = 0; i < setting_count; i++)
		if (strcmp(key, setting_table[i].key) == 0)
			return &setting_table[i];
	return NULL;
}

struct unit {
	char letter;
	uint64_t factor;
};
static struct unit const sizes[] = {{'k', KIB}, {'K', KIB}, {'m', KIB *KIB},
	{'M', KIB *KIB}, {'g', GIB}, {'G', GIB}, {0, 0}};
static struct unit const times[] = {{'s', 1}, {'m', 60}, {'h', 3600},
	{'d', 24 * 3600}, {'w', 7 * 24 * 3600}, {0, 0}};
static struct unit const no_units[] = {{0, 0}};

static bool
number(struct setting const *setting, char const *value,
	struct unit const *units, stralloc *sa, char const **why_r)
{
	uint64_t n;
	size_t len = uint64_scan(value, &n);
	char digits[UINT64_FMT];

	*why_r = units == no_units ? "is not a number"
		 : units == sizes  ? "is not a size such as 500k, 50M or 1G"
				   : "is not a time such as 30, 5m, 4h or 5d";
	if (len == 0)
		return false;
	if (value[len] != '\0') {
		while (units->letter != '\0' && units->letter != value[len])
			units++;
		if (units->letter == '\0' || value[len + 1] != '\0')
			return false;
		if (__builtin_mul_overflow(n, units->factor, &n))
			n = UINT64_MAX;
	}
	if (n < setting->minimum || n > setting->maximum) {
		*why_r = n < setting->minimum ? "is too small" : "is too large";
		return false;
	}
	return stralloc_catb(sa, digits, uint64_fmt(digits, n)) &&
	       stralloc_append(sa, '\0');
}

/* One ADDRESS:PORT, `192.0.2.1:25` or `[2001:db8::1]:25`, in normal form. */
static bool
address(char const *s, size_t len, stralloc *sa)
{
	char text[INET6_ADDRSTRLEN + 1], port_text[6];
	bool is_v6 = len > 0 && *s == '[';
	char const *colon = memrchr(s, ':', len);
	size_t host_len, port_len;
	unsigned char raw[sizeof(struct in6_addr)];
	uint32_t port;

	if (colon == NULL)
		return false;
	host_len = (size_t)(colon - s);
	port_len = len - host_len - 1;
	if (port_len == 0 || port_len >= sizeof port_text)
		return false;
	memcpy(port_text, colon + 1, port_len);
	port_text[port_len] = '\0';
	if (uint32_scan(port_text, &port) != port_len || port == 0 ||
		port > 65535)
		return false;
	if (is_v6) {
		if (host_len < 2 || s[host_len - 1] != ']')
			return false;
		s++;
		host_len -= 2;
	}
	if (host_len >= sizeof text)
		return false;
	memcpy(text, s, host_len);
	text[host_len] = '\0';
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, text, raw) != 1 ||
		inet_ntop(is_v6 ? AF_INET6 : AF_INET, raw, text, sizeof text) ==
			NULL)
		return false;
	return (!is_v6 || stralloc_append(sa, '[')) &&
	       stralloc_cats(sa, text) &&
	       stralloc_cats(sa, is_v6 ? "]:" : ":") &&
	       stralloc_catb(sa, port_text, uint32_fmt(port_text, port));
}

/* Split value at blanks; each item by add_item, one blank between. */
static bool
list(char const *value, bool (*add_item)(char const *, size_t, stralloc *),
	stralloc *sa)
{
	bool is_first = true;

	for (;;) {
		size_t len;
		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (len == 0)
			return stralloc_append(sa, '\0');
		if ((!is_first && !stralloc_append(sa, ' ')) ||
			!add_item(value, len, sa))
			return false;
		is_first = false;
		value += len;
	}
}

/* From the normal form that address() has made. */
static bool
sockaddr_item(char const *s, size_t len, stralloc *sa)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char text[INET6_ADDRSTRLEN] = "";
	char const *colon = memrchr(s, ':', len);
	bool is_v6 = *s == '[';
	size_t host_len = (size_t)(colon - s) - (is_v6 ? 2 : 0);
	unsigned char n = is_v6 ? sizeof v6 : sizeof v4;
	uint16_t port;

	if (host_len >= sizeof text || uint16_scan(colon + 1, &port) == 0)
		return false;
	memcpy(text, s + is_v6, host_len);
	v4.sin_port = v6.sin6_port = htons(port);
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, text,
		       is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) ==
		       1 &&
	       stralloc_catb(sa, (char *)&n, 1) &&
	       stralloc_catb(sa, is_v6 ? (char *)&v6 : (char *)&v4, n);
}

bool
setting_sockaddrs(char const *value, stralloc *sa)
{
	while (*value != '\0') {
		size_t len = strcspn(value, " ");
		if (!sockaddr_item(value, len, sa))
			return false;
		value += len + (value[len] == ' ');
	}
	return true;
}

static bool
host(char const *s, size_t len, stralloc *sa)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[sizeof(struct in6_addr)];
	int family = memchr(s, ':', len) != NULL ? AF_INET6 : AF_INET;

	if (len >= sizeof text)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	return inet_pton(family, text, raw) == 1 &&
	       inet_ntop(family, raw, text, sizeof text) != NULL &&
	       stralloc_cats(sa, text);
}

static bool
network(char const *s, size_t len, stralloc *sa)
{
	return netlist_is_network(s, len) && stralloc_catb(sa, s, len);
}

static bool
name_item(char const *s, size_t len, stralloc *sa)
{
	if (!namelist_is_item(s, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!stralloc_append(sa, (char)tolower((unsigned char)s[i])))
			return false;
	return true;
}

static bool
path_item(char const *s, size_t len, stralloc *sa)
{
	return stralloc_catb(sa, s, len);
}

/*
 * Paths go into the environment file of run scripts too: what a shell would
 * read as something else is not worth having in one.
 */
static bool
is_path(char const *s)
{
	size_t len = strlen(s);

	return len > 0 && len < 256 && *s == '/' &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789/._+@%,:-") == len &&
	       strstr(s, "/../") == NULL &&
	       (len < 3 || strcmp(s + len - 3, "/..") != 0);
}

static bool
path(char const *value, stralloc *sa, char const **why_r)
{
	size_t len = strlen(value);

	*why_r = "is not an absolute path of letters, digits and /._+@%,:-";
	if (!is_path(value))
		return false;
	while (len > 1 && value[len - 1] == '/')
		len--;
	return stralloc_catb(sa, value, len) && stralloc_append(sa, '\0');
}

bool
setting_uids(char const *value, uint32_t *min_r, uint32_t *max_r)
{
	size_t len = uint32_scan(value, min_r);

	return len > 0 && value[len] == '-' &&
	       uint320_scan(value + len + 1, max_r) > 0 && *min_r > 0 &&
	       *min_r <= *max_r && *max_r < UINT32_MAX;
}

static bool
domain(char const *value, stralloc *sa, char const **why_r)
{
	size_t len = strlen(value);

	*why_r = "is not a host name";
	if (!addr_is_domain(value, len, 0) || *value == '[')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = value[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!stralloc_append(sa, c))
			return false;
	}
	return stralloc_append(sa, '\0');
}

static bool
as_it_is(char const *value, stralloc *sa)
{
	return stralloc_catb(sa, value, strlen(value) + 1);
}

bool
setting_normal(struct setting const *setting, char const *value, stralloc *sa,
	char const **why_r)
{
	uint32_t min, max;

	/* Where the default is nothing, nothing can be said too. */
	if (*value == '\0' && setting->initial != NULL &&
		*setting->initial == '\0')
		return as_it_is(value, sa);
	switch (setting->type) {
	case SETTING_DOMAIN:
		return domain(value, sa, why_r);
	case SETTING_PATH:
	case SETTING_PATH_NONE:
		return path(value, sa, why_r);
	case SETTING_PATHS:
		*why_r = "is not a list of paths";
		return list(value, path_item, sa);
	case SETTING_ACCOUNT:
	case SETTING_GROUP:
		*why_r = "is not one name";
		return *value != '\0' && *value != '-' &&
		       strpbrk(value, " \t/'\"") == NULL && as_it_is(value, sa);
	case SETTING_UIDS:
		*why_r = "is not a range of uids such as 200000-299999";
		return setting_uids(value, &min, &max) && as_it_is(value, sa);
	case SETTING_ADDRESSES:
		*why_r = "is not a list of addresses such as "
			 "192.0.2.1:25 [2001:db8::1]:25";
		return list(value, address, sa);
	case SETTING_HOSTS:
		*why_r = "is not a list of addresses such as "
			 "192.0.2.1 2001:db8::1";
		return list(value, host, sa);
	case SETTING_NETWORKS:
		*why_r = "is not a list of networks such as "
			 "192.0.2.0/24 2001:db8::/32";
		return list(value, network, sa);
	case SETTING_NAMES:
		*why_r = "is not a list of addresses, @domains or *";
		return list(value, name_item, sa);
	case SETTING_SWITCH:
		*why_r = "is neither yes nor no";
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return false;
		return stralloc_catb(sa, *value == 'y' ? "1" : "0", 2);
	case SETTING_NUMBER:
		return number(setting, value, no_units, sa, why_r);
	case SETTING_SIZE:
		return number(setting, value, sizes, sa, why_r);
	case SETTING_DURATION:
		return number(setting, value, times, sa, why_r);
	}
	return false;
}
