#!/bin/sh
# need.sh LIST... - install the Debian packages of the lists that are missing.
# Asks the network only when one is.
missing=
for package in $(sed 's/#.*//' "$@"); do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "These packages are missing:$missing" >&2
	exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
get() {
	apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Package lists may be missing or old: fetch them only if it does not work.
get || { apt-get update -q >"$log" 2>&1 && get; } || {
	cat "$log" >&2
	echo "Could not install:$missing" >&2
	exit 1
}
