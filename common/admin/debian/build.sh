#!/bin/sh
# build.sh MAKE BUILD VERSION - `make deb`: BUILD/kereru_VERSION_ARCH.deb, of
# programs that are built already. Needs dpkg-deb alone; as root or not.
set -e
umask 022
make=$1 build=$2 version=$3
here=common/admin/debian
top=$build/deb
arch=$(dpkg --print-architecture)
rm -rf "$top"
"$make" -s "B=$build" PREFIX=/usr "DESTDIR=$top" DROP=- install
# The group is the package's to make, where it is installed.
chmod 0755 "$top/usr/sbin/sendmail"
for f in $(find "$top/usr/bin" "$top/usr/sbin" "$top/usr/libexec" -type f); do
	strip --remove-section=.comment --remove-section=.note "$f"
done
install -d "$top/usr/lib/systemd/system" "$top/usr/share/doc/kereru" \
	"$top/DEBIAN" "$top/usr/share/lintian/overrides"
ln -s ../sbin/sendmail "$top/usr/lib/sendmail"
install -m 0644 $here/kereru.service "$top/usr/lib/systemd/system"
install -m 0644 $here/copyright LICENSE README.md doc/architecture.svg \
	doc/*.md doc/handbook/*.md "$top/usr/share/doc/kereru"
install -m 0644 $here/lintian "$top/usr/share/lintian/overrides/kereru"
{
	echo "kereru ($version) unstable; urgency=medium"
	echo
	echo "  * Built by make deb; the repository has the history."
	echo
	echo " -- Kereru maintainers <postmaster@localhost>  $(date -R)"
} | gzip -9n >"$top/usr/share/doc/kereru/changelog.gz"
find "$top/usr/share/man" -type f -exec gzip -9n {} +
ln -s sendmail.8.gz "$top/usr/share/man/man8/newaliases.8.gz"
# Libraries that the programs ask for themselves, by their packages.
programs=$(find "$top/usr/bin" "$top/usr/sbin" "$top/usr/libexec" -type f)
needed=$(readelf -d $programs 2>/dev/null | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
	sort -u)
depends=$(for library in $needed; do
		dpkg-query -S "*/$library" 2>/dev/null | sed -n 's/:.*//p' |
			head -n 1
	done | sort -u | paste -sd, | sed 's/,/, /g')
accounts=$(sed -n 's/.*"account-[a-z0-9]*", SETTING_[A-Z]*, "\(kr-[a-z0-9]*\)".*/\1/p' \
	common/admin/setting.c | paste -sd' ')
[ -n "$accounts" ] && [ -n "$depends" ]
size=$(du -sk "$top/usr" | cut -f1)
sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" \
	-e "s/@DEPENDS@/$depends/" $here/control >"$top/DEBIAN/control"
for script in postinst prerm postrm; do
	sed "s/@ACCOUNTS@/$accounts/" $here/$script >"$top/DEBIAN/$script"
	chmod 0755 "$top/DEBIAN/$script"
done
(cd "$top" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
dpkg-deb --root-owner-group --build "$top" \
	"$build/kereru_${version}_$arch.deb" >/dev/null
echo "$build/kereru_${version}_$arch.deb"
