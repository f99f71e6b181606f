/* The settings of mail programs, as XML. */
#include <bearssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/records.h"
#include "common/admin/webconfig.h"

struct service {
	unsigned port;
	bool is_tls; /* from the start; else by STARTTLS */
};

/* port 0: it does not listen. */
static struct service
service(struct config const *c, char const *tls_key, char const *plain_key)
{
	unsigned port = records_port(c, tls_key);

	return port > 0 ? (struct service){port, true}
			: (struct service){records_port(c, plain_key), false};
}

bool
webconfig_escape(stralloc *sa, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char const x = (unsigned char)s[i];
		char const *text = x == '&'    ? "&amp;"
				   : x == '<'  ? "&lt;"
				   : x == '>'  ? "&gt;"
				   : x == '"'  ? "&quot;"
				   : x == '\'' ? "&apos;"
				   : x < ' '   ? "?"
					       : NULL;
		if (!(text != NULL ? stralloc_cats(sa, text)
				   : stralloc_append(sa, s[i])))
			return false;
	}
	return true;
}

/* The format's octets as they are, for each %s a string escaped, for each %u a
 * number. */
static bool
put(stralloc *sa, char const *format, ...)
{
	va_list args;
	char digits[16];
	bool ok = true;

	va_start(args, format);
	for (char const *s = format; ok && *s != '\0';) {
		size_t len = strcspn(s, "%");
		ok = stralloc_catb(sa, s, len);
		s += len;
		if (*s == '\0')
			break;
		if (s[1] == 's') {
			char const *text = va_arg(args, char const *);
			ok = ok && webconfig_escape(sa, text, strlen(text));
		} else if (s[1] == 'u') {
			snprintf(digits, sizeof digits, "%u",
				va_arg(args, unsigned));
			ok = ok && stralloc_cats(sa, digits);
		} else {
			ok = ok && stralloc_append(sa, s[1]);
		}
		s += 2;
	}
	va_end(args);
	return ok;
}

static char const *
host_of(struct config const *c)
{
	return values_text(&c->values, "hostname");
}

static bool
thunderbird_server(stralloc *sa, struct config const *c, char const *element,
	char const *type, struct service s)
{
	return s.port == 0 ||
	       put(sa,
		       "    <%s type=\"%s\">\n"
		       "      <hostname>%s</hostname>\n"
		       "      <port>%u</port>\n"
		       "      <socketType>%s</socketType>\n"
		       "      <username>%%EMAILADDRESS%%</username>\n"
		       "      <authentication>password-cleartext"
		       "</authentication>\n"
		       "    </%s>\n",
		       element, type, host_of(c), s.port,
		       s.is_tls ? "SSL" : "STARTTLS", element);
}

bool
webconfig_thunderbird(struct config const *c, char const *domain, stralloc *sa)
{
	return put(sa,
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<clientConfig version=\"1.1\">\n"
		       "  <emailProvider id=\"%s\">\n"
		       "    <domain>%s</domain>\n"
		       "    <displayName>%s</displayName>\n"
		       "    <displayShortName>%s</displayShortName>\n",
		       domain, domain, domain, domain) &&
	       thunderbird_server(sa, c, "incomingServer", "imap",
		       service(c, "listen-imaps", "listen-imap")) &&
	       thunderbird_server(sa, c, "incomingServer", "pop3",
		       service(c, "listen-pop3s", "listen-pop3")) &&
	       thunderbird_server(sa, c, "outgoingServer", "smtp",
		       service(c, "listen-submits", "listen-submit")) &&
	       put(sa, "  </emailProvider>\n</clientConfig>\n");
}

static bool
outlook_server(stralloc *sa, struct config const *c, char const *type,
	struct service s)
{
	return s.port == 0 ||
	       put(sa,
		       "      <Protocol>\n"
		       "        <Type>%s</Type>\n"
		       "        <Server>%s</Server>\n"
		       "        <Port>%u</Port>\n"
		       "        <DomainRequired>off</DomainRequired>\n"
		       "        <SPA>off</SPA>\n"
		       "        <SSL>on</SSL>\n"
		       "        <Encryption>%s</Encryption>\n"
		       "        <AuthRequired>on</AuthRequired>\n"
		       "      </Protocol>\n",
		       type, host_of(c), s.port, s.is_tls ? "SSL" : "TLS");
}

bool
webconfig_outlook(struct config const *c, char const *domain, stralloc *sa)
{
	static char const schema[] = "http://schemas.microsoft.com/exchange/"
				     "autodiscover/";

	(void)domain;
	return put(sa,
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<Autodiscover xmlns=\"%sresponseschema/2006\">\n"
		       "  <Response xmlns=\"%soutlook/responseschema/"
		       "2006a\">\n"
		       "    <Account>\n"
		       "      <AccountType>email</AccountType>\n"
		       "      <Action>settings</Action>\n",
		       schema, schema) &&
	       outlook_server(sa, c, "IMAP",
		       service(c, "listen-imaps", "listen-imap")) &&
	       outlook_server(sa, c, "POP3",
		       service(c, "listen-pop3s", "listen-pop3")) &&
	       outlook_server(sa, c, "SMTP",
		       service(c, "listen-submits", "listen-submit")) &&
	       put(sa, "    </Account>\n  </Response>\n</Autodiscover>\n");
}

/* The same profile has the same one each time, so that it replaces itself
 * (RFC 9562 5.8). */
static void
make_uuid(char out[37], char const *domain, char const *what)
{
	unsigned char d[br_sha256_SIZE];
	br_sha256_context sha;

	br_sha256_init(&sha);
	br_sha256_update(&sha, what, strlen(what) + 1);
	br_sha256_update(&sha, domain, strlen(domain));
	br_sha256_out(&sha, d);
	d[6] = (unsigned char)(0x80 | (d[6] & 0x0f));
	d[8] = (unsigned char)(0x80 | (d[8] & 0x3f));
	snprintf(out, 37,
		"%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-"
		"%02X%02X%02X%02X%02X%02X",
		d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9],
		d[10], d[11], d[12], d[13], d[14], d[15]);
}

static bool
string(stralloc *sa, char const *key, char const *value)
{
	return put(sa, "<key>%s</key><string>%s</string>\n", key, value);
}

/* what: Incoming or Outgoing. */
static bool
apple_server(stralloc *sa, struct config const *c, char const *what,
	struct service s)
{
	return s.port == 0 ||
	       put(sa,
		       "<key>%sMailServerHostName</key><string>%s</string>\n"
		       "<key>%sMailServerPortNumber</key><integer>%u</"
		       "integer>\n"
		       "<key>%sMailServerUseSSL</key><true/>\n"
		       "<key>%sMailServerAuthentication</key>"
		       "<string>EmailAuthPassword</string>\n",
		       what, host_of(c), what, s.port, what, what);
}

bool
webconfig_apple(struct config const *c, char const *domain, stralloc *sa)
{
	struct service imap = service(c, "listen-imaps", "listen-imap");
	struct service pop3 = service(c, "listen-pop3s", "listen-pop3");
	struct service smtp = service(c, "listen-submits", "listen-submit");
	char profile[37], account[37];

	make_uuid(profile, domain, "profile");
	make_uuid(account, domain, "account");
	return put(sa, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		       "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		       "<plist version=\"1.0\">\n<dict>\n"
		       "<key>PayloadContent</key>\n<array>\n<dict>\n") &&
	       string(sa, "EmailAccountType",
		       imap.port > 0 ? "EmailTypeIMAP" : "EmailTypePOP") &&
	       string(sa, "EmailAccountDescription", domain) &&
	       apple_server(sa, c, "Incoming", imap.port > 0 ? imap : pop3) &&
	       apple_server(sa, c, "Outgoing", smtp) &&
	       put(sa, "<key>OutgoingPasswordSameAsIncomingPassword</key>"
		       "<true/>\n") &&
	       string(sa, "PayloadType", "com.apple.mail.managed") &&
	       put(sa,
		       "<key>PayloadIdentifier</key>"
		       "<string>%s.mail.account</string>\n",
		       domain) &&
	       string(sa, "PayloadUUID", account) &&
	       put(sa, "<key>PayloadVersion</key><integer>1</integer>\n"
		       "</dict>\n</array>\n") &&
	       string(sa, "PayloadDisplayName", domain) &&
	       string(sa, "PayloadType", "Configuration") &&
	       put(sa,
		       "<key>PayloadIdentifier</key>"
		       "<string>%s.mail</string>\n",
		       domain) &&
	       string(sa, "PayloadUUID", profile) &&
	       put(sa, "<key>PayloadVersion</key><integer>1</integer>\n"
		       "</dict>\n</plist>\n");
}
