/*
 * kereru - the command with which a host is set up and looked after
 *
 * Runs as root, by hand. Trusts the text files, whose lines it checks for
 * mistakes; writes them, the tables, and the folders of a host. No daemon runs
 * it, and as root it reads nothing from the network: spf, dkim, arc and dmarc,
 * which ask the DNS, touch no file of a host and need no rights; what check and
 * import read from outside is read by children that have none.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/command.h"

static char const help[] =
	"usage: kereru [-c DIR] COMMAND [ARGUMENT...]\n"
	"\n"
	"  setup HOSTNAME      make a host: accounts, folders, files, "
	"services\n"
	"  check               what is wrong with the host, and what mends "
	"it\n"
	"  compile             put changes of the files into effect\n"
	"  user add ADDRESS    also: user passwd, list, remove, disable,\n"
	"                      enable, quota,\n"
	"                      user app-password, user logins\n"
	"  domain add DOMAIN   also: domain list, remove\n"
	"  alias add ADDRESS|@DOMAIN TARGET...   also: alias list, remove\n"
	"  list add ADDRESS OWNER   a mailing list; also: list show, members,\n"
	"                      subscribe, unsubscribe, set, held, accept,\n"
	"                      reject, digest, remove\n"
	"  certificate CHAIN KEY   put a new certificate into service\n"
	"  records [DOMAIN]    what has to be published in the DNS\n"
	"  dkim DOMAIN         make a key that signs its mail; also: dkim "
	"list\n"
	"  spf, dkim, arc, dmarc   check, sign and report mail by hand\n"
	"  spam learn|test|text    the classifier of spam\n"
	"  queue [list]        also: queue show, stats, retry, hold, release,\n"
	"                      delete, bounce\n"
	"  sieve check|run     a filter's script: its faults; over mail that "
	"is "
	"there\n"
	"  tlsrpt DOMAIN DAY   a report on TLS towards a domain\n"
	"  import MAILBOX SOURCE   bring mail from an mbox file, a maildir, "
	"or a server\n"
	"  fsck [MAILBOX...] [queue]   what is wrong there; --repair mends it\n"
	"  why ID|ADDRESS|MESSAGE-ID   the story of a message\n"
	"  log [SERVICE...]    the logs; -f follows, -j is JSON\n"
	"  web FOLDER [DOMAIN]   files for the domains' web servers\n"
	"  metrics             for Prometheus: --output FILE, or --http\n"
	"  wkd FOLDER <KEYS    OpenPGP keys for a web "
	"server\n"
	"\n"
	"DIR holds the text files and is /etc/kereru unless said otherwise.\n"
	"kereru(8), settings(5) and tables(5) say more.\n";

static struct {
	char const *name;
	command_function *run;
} const commands[] = {
	{"setup", command_setup},
	{"check", command_check},
	{"compile", command_compile},
	{"user", command_user},
	{"domain", command_domain},
	{"alias", command_alias},
	{"list", command_list},
	{"spf", command_spf},
	{"spam", command_spam},
	{"dkim", command_dkim},
	{"arc", command_arc},
	{"dmarc", command_dmarc},
	{"queue", command_queue},
	{"sieve", command_sieve},
	{"tlsrpt", command_tlsrpt},
	{"wkd", command_wkd},
	{"import", command_import},
	{"fsck", command_fsck},
	{"log", command_log},
	{"why", command_why},
	{"metrics", command_metrics},
	{"certificate", command_certificate},
	{"records", command_records},
	{"web", command_web},
};

int
main(int argc, char const *const *argv)
{
	struct command_context x = {.folder = COMMAND_FOLDER};
	int i = 1;

	/* Files that are made in between have the modes that are said. */
	umask(022);
	while (i < argc && *argv[i] == '-') {
		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc) {
			x.folder = argv[i + 1];
			x.folder_was_given = true;
			i += 2;
		} else if (strcmp(argv[i], "--help") == 0 ||
			   strcmp(argv[i], "-h") == 0) {
			fputs(help, stdout);
			return COMMAND_OK;
		} else if (strcmp(argv[i], "--version") == 0) {
			puts("kereru " KERERU_VERSION);
			return COMMAND_OK;
		} else {
			break;
		}
	}
	if (sodium_init() < 0) {
		fprintf(stderr, "kereru: no random numbers\n");
		return COMMAND_TEMPORARY;
	}
	for (size_t j = 0; i < argc && j < sizeof commands / sizeof *commands;
		j++)
		if (strcmp(argv[i], commands[j].name) == 0)
			return commands[j].run(&x, argc - i, argv + i);
	fputs(help, stderr);
	return COMMAND_PERMANENT;
}
