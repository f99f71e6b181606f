#!/bin/sh
# run.sh MAKE BUILD - the demo host in the foreground, until Ctrl-C.
# Everything stands below STATE, programs too: the accounts of the roles can't
# enter a clone below a home folder.
STATE=/var/lib/kereru-demo
cd "$(dirname "$0")/../.." || exit
if [ "$(id -u)" -ne 0 ]; then
	echo "make run needs root: each role of the demo host gets its own uid." >&2
	exit 1
fi
common/admin/need.sh common/admin/build-packages || exit
if s6-svok "$STATE/scan/queue" 2>/dev/null; then
	echo "The demo host runs already; s6-svscanctl -t $STATE/scan stops it." >&2
	exit 1
fi
echo "Building ..."
"$1" -s -j"$(nproc)" B="$2" all &&
	"$1" -s B="$2" PREFIX="$STATE" DESTDIR= install &&
	"$STATE/sbin/kereru" setup --demo || exit

# In a session of its own: the terminal's SIGINT must reach this script alone,
# or a supervisor that dies of it leaves its daemon behind.
setsid s6-svscan "$STATE/scan" </dev/null &
svscan=$!
stopping=
stop() {
	stopping=yes
	echo "Stopping ..."
	s6-svscanctl -t "$STATE/scan" 2>/dev/null || kill "$svscan" 2>/dev/null
}
trap stop INT TERM HUP

is_ready() {
	for service in auth check policy sts smtp submit pop3 imap sieve queue; do
		[ "$(s6-svstat -o ready "$STATE/scan/$service" 2>/dev/null)" \
			= true ] || return
	done
}
tries=0
until is_ready || [ -n "$stopping" ]; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ]; then
		echo "Not ready after 30 seconds ($service); its log:" >&2
		tail -n 20 "$STATE/log/$service/current" >&2
		stop
	fi
	sleep 0.1
done
[ -n "$stopping" ] || cat <<END

The demo host runs: domain kereru.test, mailboxes alice@kereru.test and
bob@kereru.test, password kereru for both. Send a message, read it by POP3,
read it by IMAP:

printf 'From: alice@kereru.test\r\nTo: bob@kereru.test\r\nSubject: Hello\r\n\r\nA first message.\r\n' | curl -sS --cacert $STATE/etc/tls/ca.pem --ssl-reqd -u alice@kereru.test:kereru --mail-from alice@kereru.test --mail-rcpt bob@kereru.test -T - smtp://localhost:2587

curl -sS --cacert $STATE/etc/tls/ca.pem -u bob@kereru.test:kereru pop3s://localhost:2995/1

curl -sS --cacert $STATE/etc/tls/ca.pem -u bob@kereru.test:kereru 'imaps://localhost:2993/INBOX;MAILINDEX=1'

Files: $STATE/etc (text), queue, mail/kereru.test, log/*/current.
Ctrl-C stops it.
END

# A trapped signal ends a wait early.
while kill -0 "$svscan" 2>/dev/null; do
	wait "$svscan"
done
