/*
 * mime sign, encrypt, decrypt and verify: done by mime-crypt, which this
 * becomes.
 */
#include <unistd.h>

#include <skalibs/strerr.h>

#include "mime/command.h"
#include "mime/cryptcall.h"

static int
become(char const *operation, struct options const *o, int argc,
	char const *const *argv)
{
	cryptcall_become("mime-crypt", operation, o,
		command_open(argc > 0 ? argv[0] : "-"));
}

int
mime_sign(struct options const *o, int argc, char const *const *argv)
{
	return become("sign", o, argc, argv);
}

int
mime_encrypt(struct options const *o, int argc, char const *const *argv)
{
	return become("encrypt", o, argc, argv);
}

int
mime_decrypt(struct options const *o, int argc, char const *const *argv)
{
	if (isatty(1))
		strerr_dief1x(100, "decrypt writes a message as it is: not to "
				   "a terminal; mime show shows it");
	return become("decrypt", o, argc, argv);
}

int
mime_verify(struct options const *o, int argc, char const *const *argv)
{
	return become("verify", o, argc, argv);
}
