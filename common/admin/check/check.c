/*
 * `kereru check`: what is wrong with a host, why it matters, what mends it
 *
 * As root it looks at files, processes and the kernel by itself; whatever reads
 * what others wrote, or a secret, is a child (apart.h).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/check/doctor.h"
#include "common/stream.h"

static char const usage[] =
	"usage: kereru [-c DIR] check [-qvj] [--only SECTION,...] "
	"[--skip SECTION,...]\n"
	"              [--mailbox ADDRESS [--password-file FILE]] "
	"[--outward HOST[:PORT]]\n"
	"              [--signed NAME] [--bogus NAME]\n"
	"       kereru check --list\n";

struct examination {
	char const *name;
	doctor_examination *run;
	char const *about;
	/* quick: files alone; bare: it needs nothing of the settings. */
	bool is_quick, is_bare;
};

/* What comes first says what the others need not look at. */
static struct examination const examinations[] = {
	{"text", text_examine, "the text files, each fault with its line", true,
		true},
	{"modes", modes_examine, "who owns what, and who else can use it", true,
		false},
	{"tables", tables_examine, "whether what was changed is in effect",
		false, false},
	{"certificates", certificates_examine,
		"names, chains and dates of the certificates", false, false},
	{"relay", relay_examine, "who may send to the world without a login",
		false, false},
	{"disk", disk_examine, "room and inodes", false, false},
	{"clock", clock_examine, "whether the clock was put back", false,
		false},
	{"ntp", ntp_examine, "whether somebody keeps the clock right", false,
		false},
	{"kernel", kernel_examine, "what the walls are made of", false, false},
	{"queue", queuefiles_examine, "the files of the queue", false, false},
	{"services", services_examine, "what runs, and as whom", false, false},
	{"ports", ports_examine, "whether clients are greeted", false, false},
	{"resolver", resolver_examine, "whether it answers, and validates",
		false, false},
	{"records", records_examine, "what the DNS says of our domains", false,
		false},
	{"reverse", reverse_examine, "our addresses and their names", false,
		false},
	{"blocklists", blocklists_examine,
		"our addresses in the lists of rules", false, false},
	{"outward", outward_examine, "port 25 of others", false, false},
	{"message", testmail_examine,
		"a message through SMTP, queue, IMAP and POP3", false, false},
};
#define COUNT (sizeof examinations / sizeof *examinations)

struct options {
	bool chosen[COUNT];
	bool is_verbose;
};

static bool
choose(struct options *o, char const *names, bool value)
{
	while (*names != '\0') {
		size_t len = strcspn(names, ","), i = 0;
		while (i < COUNT &&
			(strlen(examinations[i].name) != len ||
				memcmp(examinations[i].name, names, len) != 0))
			i++;
		if (i == COUNT) {
			fprintf(stderr, "kereru: check: %.*s is no section\n",
				(int)len, names);
			return false;
		}
		o->chosen[i] = value;
		names += len + (names[len] == ',');
	}
	return true;
}

static void
choose_all(struct options *o, bool value, bool quick_alone)
{
	for (size_t i = 0; i < COUNT; i++)
		o->chosen[i] =
			value && (examinations[i].is_quick || !quick_alone);
}

static void
list(void)
{
	for (size_t i = 0; i < COUNT; i++)
		printf("%-13s %s\n", examinations[i].name,
			examinations[i].about);
}

/* 0: go on; else the exit code and 1. */
static int
read_options(
	struct doctor *d, struct options *o, int argc, char const *const *argv)
{
	static struct option const names[] = {{"quick", 0, NULL, 'q'},
		{"verbose", 0, NULL, 'v'}, {"json", 0, NULL, 'j'},
		{"only", 1, NULL, 'o'}, {"skip", 1, NULL, 's'},
		{"mailbox", 1, NULL, 'm'}, {"password-file", 1, NULL, 'p'},
		{"outward", 1, NULL, 'O'}, {"signed", 1, NULL, 'S'},
		{"bogus", 1, NULL, 'B'}, {"list", 0, NULL, 'l'},
		{NULL, 0, NULL, 0}};
	bool ok = true;
	int c;

	choose_all(o, true, false);
	optind = 1;
	while (ok && (c = getopt_long(argc, (char *const *)(uintptr_t)argv,
			      "qvj", names, NULL)) >= 0) {
		switch (c) {
		case 'q':
			choose_all(o, true, true);
			break;
		case 'v':
			o->is_verbose = true;
			break;
		case 'j':
			d->printer.is_json = true;
			break;
		case 'o':
			choose_all(o, false, false);
			ok = choose(o, optarg, true);
			break;
		case 's':
			ok = choose(o, optarg, false);
			break;
		case 'm':
			d->mailbox = optarg;
			break;
		case 'p':
			d->password_file = optarg;
			break;
		case 'O':
			d->outward = optarg;
			break;
		case 'S':
			d->signed_name = optarg;
			break;
		case 'B':
			d->bogus_name = optarg;
			break;
		case 'l':
			list();
			return COMMAND_OK + 1;
		default:
			ok = false;
		}
	}
	if (ok && optind == argc)
		return 0;
	fputs(usage, stderr);
	return COMMAND_PERMANENT + 1;
}

/* Without faults in the settings the rest can be looked at. */
static bool
read_settings(struct doctor *d)
{
	struct values v = VALUES_ZERO;
	struct faults f = {.is_silent = true};
	bool ok = values_read(&v, d->folder, &f) && f.count == 0;

	values_free(&v);
	if (!ok)
		return false;
	/* Its faults are told by text.c. */
	ok = config_read_public(&d->config, d->folder, &f);
	if (!ok)
		return false;
	d->hostname = doctor_setting(d, "hostname");
	d->state = doctor_setting(d, "state");
	d->libexec = doctor_setting(d, "libexec");
	return true;
}

static void
find_prefix(struct doctor *d)
{
	ssize_t len =
		readlink("/proc/self/exe", d->prefix, sizeof d->prefix - 1);
	char *slash;

	d->prefix[len > 0 ? len : 0] = '\0';
	for (int i = 0; i < 2; i++)
		if ((slash = strrchr(d->prefix, '/')) != NULL)
			*slash = '\0';
}

static void
examine(struct doctor *d, struct examination const *e, bool is_verbose)
{
	unsigned before = d->count;
	int64_t start = stream_clock_ms();

	d->section = e->name;
	e->run(d);
	if (is_verbose)
		fprintf(stderr, "%-13s %u found, %lld ms: %s\n", e->name,
			d->count - before,
			(long long)(stream_clock_ms() - start), e->about);
}

int
command_check(
	struct command_context const *x, int argc, char const *const *argv)
{
	static struct doctor d;
	struct options o = {.is_verbose = false};
	char kereru[300];
	bool has_settings;
	int code;

	d.folder = x->folder;
	d.report_fd = -1;
	d.signed_name = "ietf.org";
	d.bogus_name = "dnssec-failed.org";
	d.printer = (struct finding_printer){stdout, kereru, false};
	snprintf(kereru, sizeof kereru, x->folder_was_given ? "%s -c %s" : "%s",
		"kereru", x->folder);
	code = read_options(&d, &o, argc, argv);
	if (code != 0)
		return code - 1;
	if (geteuid() != 0) {
		fprintf(stderr, "kereru: check has to be run by root\n");
		return COMMAND_PERMANENT;
	}
	find_prefix(&d);
	has_settings = read_settings(&d);
	for (size_t i = 0; i < COUNT; i++)
		if (o.chosen[i] && (has_settings || examinations[i].is_bare))
			examine(&d, &examinations[i], o.is_verbose);
	if (!has_settings && d.count == 0) {
		fprintf(stderr, "kereru: check: the settings have a fault\n");
		d.worst = FINDING_FAULT;
	}
	config_free(&d.config);
	return fflush(stdout) == 0 ? (int)d.worst : COMMAND_TEMPORARY;
}
