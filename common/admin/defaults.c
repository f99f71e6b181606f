/* The text files that a new host begins with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <skalibs/stralloc.h>
#include "common/addr.h"
#include "common/admin/defaults.h"
#include "common/admin/setting.h"

/* In each, %1$s is the host's name; %2$s are lines of settings,
 * or one of domains. */
static struct {
	char const *name;
	mode_t mode;
	char const *text;
} const files[] = {
	{"settings", 0644,
		"# Settings: `key value`, one a line; settings(5) lists them "
		"all.\n"
		"# After a change: kereru compile\n"
		"hostname %1$s\n"
		"%2$s"
		"scram yes\n"
		"# An account that writes to strangers in masses is held "
		"back.\n"
		"outbound-guard yes\n"
		"\n"
		"# Certificates, each a PEM file with its key beside it "
		"(tls/ec.key).\n"
		"# The ones that `kereru setup` made are signed by tls/ca.pem "
		"only."},
	{"domains", 0644,
		"# Domains that mail is accepted for: `DOMAIN local`, or "
		"`DOMAIN backup`\n"
		"# for those that it is kept for and sent on. See tables(5).\n"
		"# The first is that of who logs in with a name alone.\n"
		"%2$s%1$s local"},
	{"users", 0644,
		"# Mailboxes: `ADDRESS UID [MAILDIR]`, each with a uid of its "
		"own.\n"
		"# `kereru user add ADDRESS` writes a line and makes the "
		"maildir."},
	{"passwords", 0600,
		"# Passwords: `ADDRESS HASH`; `kereru user passwd ADDRESS` "
		"writes them."},
	{"app-passwords", 0600,
		"# Passwords of programs, beside their users' own: `kereru "
		"user app-password`\n"
		"# makes and removes the lines."},
	{"aliases", 0644,
		"# Aliases: `ADDRESS TARGET ...`, in local domains. A domain "
		"whose\n"
		"# postmaster is not named here has postmaster@%1$s, or\n"
		"# the first of the users, as its postmaster."},
	{"routes", 0644,
		"# Where mail goes instead of where DNS says: `DOMAIN "
		"HOST[:PORT]`;\n"
		"# `* HOST` is for all that is not listed."},
	{"relay-logins", 0600,
		"# Names and passwords at hosts that `routes` names: "
		"`HOST[:PORT] USER PASSWORD`.\n"
		"# See relay-logins(5)."},
	{"tls-policy", 0644,
		"# TLS towards domains that need something else than what "
		"they publish\n"
		"# themselves: `DOMAIN none|may|must|verify|pin ..`; see "
		"tls-policy(5)."},
	{"outgoing", 0644,
		"# Addresses that mail is sent from, each with its name: "
		"`ADDRESS NAME`.\n"
		"# See outgoing(5)."},
	{"networks", 0644,
		"# Networks whose hosts may send to the world without a "
		"login:\n"
		"# 192.0.2.0/24 or 2001:db8::/32, one a line."},
	{"shared", 0644,
		"# Mailboxes whose folders others may use over IMAP: `MAILBOX "
		"NAME WHO...`;\n"
		"# WHO is admin:ADDRESS, ADDRESS, @DOMAIN or *. See tables(5)."
		"\n"
		"#team@%1$s Team admin:alice@%1$s @%1$s"},
	{"lists", 0644,
		"# Mailing lists, the address of each on a line of its own; "
		"each has a line in\n"
		"# users, too. `kereru list add` writes both. See list(5)."},
	{"rules", 0644,
		"# What becomes of a message before it is accepted: rules(5).\n"
		"# Used where the settings say `check yes` (or `check-login "
		"yes`).\n"
		"rule GTUBE gtube=yes reject 5.7.1 the test message of spam "
		"filters\n"
		"rule SPF_FAIL spf=fail weight 3\n"
		"rule SPF_SOFTFAIL spf=softfail weight 1\n"
		"rule DKIM_FAIL dkim=fail weight 0.5\n"
		"rule DMARC_REJECT dmarc=fail dmarc-policy=reject reject "
		"5.7.1 the author's domain asks to refuse this\n"
		"rule DMARC_QUARANTINE dmarc=fail dmarc-policy=quarantine "
		"junk\n"
		"rule HELO_OURS helo=ours login=no weight 5\n"
		"rule HELO_LITERAL helo=literal,address login=no weight 1\n"
		"rule NO_REVERSE reverse=none login=no weight 1\n"
		"rule BAYES_SPAM bayes=spam weight 5\n"
		"rule BAYES_HAM bayes=ham weight -3\n"
		"#rule EARLY early=yes weight 3\n"
		"#rule BUSY rate>=500 login=no weight 2\n"
		"#rule BLOCKLIST list:zen.spamhaus.org weight 5\n"
		"#rule WELCOME list:list.dnswl.org weight -5\n"
		"#rule URLS url:multi.surbl.org weight 5\n"
		"#milter rspamd inet:127.0.0.1:11332 skip\n"
		"rule SPAM score>=15 reject 5.7.1 looks like spam\n"
		"rule JUNK score>=5 junk"},
};

static char const real_services[] =
	"\n"
	"# Each message from elsewhere is looked at before it is accepted: "
	"rules(5).\n"
	"check yes\n"
	"# Rates, and delays for those who guess addresses: policy(8).\n"
	"policy yes\n"
	"# Others' policies on TLS are kept: sts(8).\n"
	"sts yes\n"
	"\n";

static char const demo_listeners[] = "listen-smtp 127.0.0.1:2525\n"
				     "listen-submit 127.0.0.1:2587\n"
				     "listen-submits 127.0.0.1:2465\n"
				     "listen-pop3 127.0.0.1:2110\n"
				     "listen-pop3s 127.0.0.1:2995\n"
				     "listen-imap 127.0.0.1:2143\n"
				     "listen-imaps 127.0.0.1:2993\n"
				     "listen-sieve 127.0.0.1:6190\n";

char const *
defaults_name(size_t i)
{
	return i < sizeof files / sizeof *files ? files[i].name : NULL;
}

mode_t
defaults_mode(size_t i)
{
	return files[i].mode;
}

/* Where a group of the settings begins, and what it is about. */
static struct {
	char const *key, *about;
} const groups[] = {
	{"hostname", "The host"},
	{"account-smtpd", "Accounts: names, or UID:GID; each role has one"},
	{"mailbox-uids", "The uids of mailboxes, one each"},
	{"listen-smtp", "Where services listen: ADDRESS:PORT, or nothing"},
	{"connections-max", "Connections of each service"},
	{"tls-certificates", "Certificates"},
	{"resolver", "Sending, and what is published"},
	{"message-size-max", "Messages, the queue, deliveries"},
	{"forward-domain", "Forwarding and signatures"},
	{"login-domain", "Logins"},
	{"proxy-from", "What clients on port 25 may do"},
	{"check", "What is looked at before a message is accepted"},
	{"policy", "Rates, delays, the greylist"},
	{"smtp-timeout", "How long a client may say nothing"},
};

/* settings says `key value` already. */
static bool
is_said(char const *settings, char const *key)
{
	size_t len = strlen(key);

	for (char const *s = settings; s != NULL; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (strncmp(s, key, len) == 0 && s[len] == ' ')
			return true;
	}
	return false;
}

static bool
add_rest(stralloc *sa, char const *said)
{
	bool ok = stralloc_cats(sa, "\n\n# All others, with their defaults; "
				    "settings(5) says what each is.");

	for (size_t i = 0; ok && i < setting_count; i++) {
		struct setting const *one = &setting_table[i];
		for (size_t j = 0; ok && j < sizeof groups / sizeof *groups;
			j++)
			if (strcmp(groups[j].key, one->key) == 0)
				ok = stralloc_cats(sa, "\n\n# ") &&
				     stralloc_cats(sa, groups[j].about);
		if (one->initial == NULL || is_said(said, one->key))
			continue;
		ok = ok && stralloc_cats(sa, "\n#") &&
		     stralloc_cats(sa, one->key) &&
		     stralloc_cats(sa, *one->initial != '\0' ? " " : "") &&
		     stralloc_cats(sa, one->initial);
	}
	return ok;
}

static bool
line(stralloc *sa, char const *key, char const *value)
{
	return value == NULL || *value == '\0' ||
	       (stralloc_cats(sa, key) && stralloc_append(sa, ' ') &&
		       stralloc_cats(sa, value) && stralloc_append(sa, '\n'));
}

/* The lines of this host's own. */
static bool
own_lines(stralloc *sa, struct defaults const *d)
{
	bool ok =
		line(sa, "state", d->state) && line(sa, "libexec", d->libexec);

	for (size_t i = 0; ok && i < d->address_count; i++)
		ok = stralloc_cats(sa, i == 0 ? "public-addresses " : " ") &&
		     stralloc_cats(sa, d->addresses[i]) &&
		     (i + 1 < d->address_count || stralloc_append(sa, '\n'));
	return ok &&
	       stralloc_cats(sa, d->is_demo ? demo_listeners : real_services) &&
	       stralloc_append(sa, '\0');
}

char *
defaults_text(size_t i, struct defaults const *d)
{
	stralloc sa = STRALLOC_ZERO, own = STRALLOC_ZERO;
	char *text = NULL, first[ADDR_DOMAIN_MAX + 10] = "";
	bool ok = own_lines(&own, d);

	if (*d->domain != '\0' && strcasecmp(d->domain, d->hostname) != 0)
		snprintf(first, sizeof first, "%s local\n", d->domain);

		/* The formats stand above, none comes from outside. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (!ok || asprintf(&text, files[i].text, d->hostname,
			   i == 0 ? own.s : first) < 0)
		text = NULL;
#pragma GCC diagnostic pop
	stralloc_free(&own);
	if (text == NULL || i > 0)
		return text;
	ok = stralloc_cats(&sa, text) && add_rest(&sa, text) &&
	     stralloc_append(&sa, '\0');
	free(text);
	text = ok ? strdup(sa.s) : NULL;
	stralloc_free(&sa);
	return text;
}
