/* Being told to stop; see stop.h. */
#include <signal.h>
#include "common/stop.h"

int volatile stop_asked;

static void
on_term(int signo)
{
	(void)signo;
	stop_asked = 1;
}

void
stop_catch(void)
{
	struct sigaction action = {.sa_handler = on_term};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}
