/*
 * mime - read, make and file mail
 *
 * Runs as whoever calls it, root too. A command that looks at one message
 * opens it, closes the sandbox and reads; nothing of the message is trusted.
 * The others say in their files what they keep.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "mime/command.h"
#include "mime/cryptcall.h"
#include "mime/unwrap.h"

#define SPEC_MAX 10

char const *PROG;

struct command {
	char const *name;
	char const *arguments, *purpose; /* for the help */
	int least, most;		 /* operands */
	char const *spec[SPEC_MAX];	 /* options.h */
	bool (*one)(struct message const *m, struct request *r, stralloc *out);
	int (*main)(struct options const *o, int argc, char const *const *argv);
	bool raw;    /* what it writes is no text for a terminal */
	bool unlock; /* it shows what is signed or encrypted */
};

#define MANY 1000000000

static struct command const commands[] = {
	{"show", "[-H program] file", "a message to read", 1, 1, {"H: html"},
		.one = mime_show, .unlock = true},
	{"text", "[-H program] file", "its text alone", 1, 1, {"H: html"},
		.one = mime_text, .unlock = true},
	{"headers", "file", "all fields of its header", 1, 1, {NULL},
		.one = mime_headers},
	{"parts", "file", "its parts", 1, 1, {NULL}, .one = mime_parts},
	{"imap", "file", "what an IMAP server says of it", 1, 1, {NULL},
		.one = mime_imap, .raw = true},
	{"json", "file", "all of that for programs", 1, 1, {NULL},
		.one = mime_json},
	{"get", "[-d dir] file number ... | -a file | -c file number",
		"parts as files; -a: all attachments; -c: to standard output",
		1, MANY, {"a all", "d: dir", "c stdout"}, .main = mime_get},
	{"ls", "[-ft] [maildir | file | -] ...",
		"a line for each message; - and none: names on standard input; "
		"-t: threads; -f: with files",
		0, MANY, {"t threads", "f files"}, .main = mime_ls},
	{"search", "maildir | file | - word ...",
		"the files of the messages that hold all the words", 2,
		OPTIONS_MAX, {NULL}, .main = mime_search},
	{"reply", "[-a] [-m me] file",
		"a draft that answers it; -a: to all; -m: From", 1, 1,
		{"a all", "m: me"}, .one = mime_reply},
	{"forward", "[-m me] [-t to] file", "a draft that passes it on", 1, 1,
		{"m: me", "t: to"}, .one = mime_forward},
	{"compose", "[-a file] ... [draft]",
		"a message made of a draft; -a: attach", 0, 1, {"a: attach"},
		.main = mime_compose},
	{"send",
		"[-s program] [file] | -h host[:port] [-t] [-C file] [-u user "
		"-p file | -P program] [file]",
		"hand a message to sendmail -t, -s: another program; -h: to a "
		"server, by TLS, or -t: STARTTLS; the password from a file or "
		"a program",
		0, 1,
		{"s: sendmail", "h: host", "u: user", "p: password-file",
			"P: password-program", "t starttls", "C: ca-file"},
		.main = mime_send},
	{"sign", "[-AS] [-k key] [file]",
		"a message, signed by OpenPGP or -S: S/MIME; -A: with the key "
		"along (Autocrypt)",
		0, 1, {"k: key", "S smime", "A autocrypt"}, .main = mime_sign},
	{"encrypt", "[-sAcS] [-k key] [-r key] ... [-T file] [file]",
		"a message, encrypted; -s: signed too; -r: to whom, else To "
		"and Cc; -c: Subject in the clear; -T: to the key in a file",
		0, 1,
		{"s sign", "k: key", "r: recipient", "S smime", "A autocrypt",
			"c clear-subject", "T: to-key"},
		.main = mime_encrypt},
	{"decrypt", "[file]", "a message, decrypted", 0, 1, {NULL},
		.main = mime_decrypt},
	{"verify", "[file]", "who signed, and whether it is good", 0, 1, {NULL},
		.main = mime_verify},
	{"autocrypt", "file", "the key that came with a message, for gpg", 1, 1,
		{NULL}, .one = mime_autocrypt, .raw = true},
	{"flag", "+-letters file | - ...",
		"set and take away flags: S seen, R replied, F flagged, T to "
		"be deleted, D draft, P passed on",
		2, MANY, {NULL}, .main = mime_flag},
	{"move", "file | - ... maildir", "put messages elsewhere", 2, MANY,
		{NULL}, .main = mime_move},
	{"copy", "file | - ... maildir", "put copies of messages there", 2,
		MANY, {NULL}, .main = mime_copy},
	{"delete", "file | - ...", "remove messages", 1, MANY, {NULL},
		.main = mime_delete},
};

static void
say(stralloc *out, char const *const *words)
{
	for (; *words; words++)
		if (!stralloc_cats(out, *words))
			strerr_diefu1sys(111, "say what there is");
}

static int
help(void)
{
	stralloc out = STRALLOC_ZERO;

	say(&out, (char const *const[]){"usage: mime command [options] ...\n"
					"A file may be - : standard input.\n\n",
			  NULL});
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		say(&out, (char const *const[]){"  mime ", commands[i].name,
				  " ", commands[i].arguments, "\n\t",
				  commands[i].purpose, "\n", NULL});
	say(&out, (char const *const[]){"\nAll about it: man mime\n", NULL});
	if (!command_flush(&out, true))
		strerr_diefu1sys(111, "write to standard output");
	return 0;
}

static struct command const *
find_command(char const *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	strerr_dief3x(100, "there is no command ", name,
		"; mime --help tells what there is");
}

/* What has to do with keys is done before the sandbox closes, by another
 * program; this one only looks whether the words for it are there. */
static int
open_unlocked(char const *file, stralloc *report)
{
	int fd = command_open(file), unlocked;
	struct stat st;
	bool needed;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		lseek(fd, 0, SEEK_CUR) != 0)
		fd = command_take(fd, file);
	needed = cryptcall_is_needed(fd);
	if (!needed && errno != 0)
		strerr_diefu2sys(111, "read ", file);
	if (!needed)
		return fd;
	/* As it was looked at, so it is shown. */
	fd = command_take(fd, file);
	unlocked = cryptcall_unlock(fd, report);
	if (unlocked != fd)
		close(fd);
	return unlocked;
}

static int
run_one(struct command const *c, struct options const *o, char const *file)
{
	static struct message message;
	struct sandbox const sandbox = {.filter = SANDBOX_MIME,
		.memory = COMMAND_MEMORY_MAX,
		.may_write = true};
	struct request request = {.options = o, .file = file, .html = {-1, -1}};
	char const *const program = options_value(o, 'H', NULL);
	stralloc out = STRALLOC_ZERO;

	if (c->raw && isatty(1))
		strerr_dief2x(
			100, c->name, " writes raw octets: not to a terminal");

	int const fd = c->unlock ? open_unlocked(file, &request.report)
				 : command_open(file);

	if (program && !html_start(&request.html, program))
		strerr_diefu2sys(111, "start ", program);
	if (!message_prepare(&message, fd))
		strerr_diefu2sys(111, "read ", file);
	sandbox_enter_or_exit(&sandbox);
	/* What is raw tells of the octets as they stand. */
	if (!message_read(&message, fd) ||
		(!c->raw && !message_unwrap(&message)))
		strerr_diefu2sys(111, "read ", file);
	if (!c->one(&message, &request, &out) || !command_flush(&out, true))
		strerr_diefu1sys(111, "write to standard output");
	return 0;
}

int
main(int argc, char const *const *argv)
{
	struct options options;
	size_t used;

	PROG = "mime";
	if (argc < 2)
		strerr_dieusage(
			100, "mime command [options] ... (mime --help)");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return help();

	struct command const *const c = find_command(argv[1]);

	argc -= 2;
	argv += 2;
	/* Without options all are operands: flag's "-S", a word of search's. */
	if (!options_parse(argv, c->spec[0] ? (size_t)argc : 0, c->spec,
		    &options, &used) ||
		argc - (int)used < c->least || argc - (int)used > c->most)
		strerr_dief4x(100, "usage: mime ", c->name, " ", c->arguments);
	log_open(PROG);
	argc -= (int)used;
	argv += used;
	return c->one ? run_one(c, &options, argv[0])
		      : c->main(&options, argc, argv);
}
