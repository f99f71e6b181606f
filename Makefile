# Everything is built from here. `make help` says what there is.
PREFIX  ?= /usr/local
B       ?= build
CC      ?= gcc
VERSION := 0.1

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wcast-qual -Wwrite-strings -Wformat=2 -Wvla -Wundef -Wconversion \
	-Wnull-dereference -Wimplicit-fallthrough -fno-common
ifndef RELEASE
WARN += -Werror
endif
CFLAGS ?= -O2 -g
HARDEN = -fstack-protector-strong -ffunction-sections -fdata-sections
ifdef SANITIZE
# A sanitized program cannot be static, and needs system calls and address
# space that its sandbox would refuse: see common/sandbox.h.
HARDEN += -fsanitize=address,undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined -DKERERU_SANITIZE
ifeq ($(findstring clang,$(CC)),clang)
# The fuzz targets are made of the same objects.
HARDEN += -fsanitize=fuzzer-no-link
endif
else
LINK   = -static -Wl,--gc-sections
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
FLAGS = -std=c11 -D_GNU_SOURCE -DKERERU_VERSION='"$(VERSION)"' -I. -I$(B)/gen \
	-MMD -MP $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS)
LDLIBS = -lseccomp -lbearssl -lsodium -lcares -lpsl -lidn2 -lunistring \
	-lz -lskarnet

obj = $(addprefix $(B)/,$(addsuffix .o,$(basename $(1))))
mod = $(call obj,$(foreach m,$(2),$(1)/$(m)))

# Programs, and where each is installed. private: libexec/kereru.
PRIVATE = monitor auth check policy sts smtpd submit-front pop3-front imap-front \
	sieve-front pop3d imapd sieved starter manager remote-spawner local-spawner signer \
	mime-crypt mime-submit spam-gather list-unsubscribe
PUBLIC  = mime mailq
ADMIN   = kereru sendmail
PROGS   = $(PRIVATE) $(PUBLIC) $(ADMIN)

# Which objects make which program: its main, and its role's modules.
# A library (of a role, with every module but the mains) lets tests link them.
MAINS = common/monitor/monitor common/monitor/auth common/admin/kereru \
	common/sandbox_gen mime/charset_gen \
	smtpd/smtpd smtpd/front smtpd/check/check smtpd/policy \
	queue/starter queue/signer \
	queue/manager queue/sendmail queue/mailq remote/remote remote/sts local/spawner local/gather local/list/cgi \
	local/managesieve/front local/managesieve/sieved pop3d/pop3d pop3d/front \
	imapd/imapd imapd/front mime/mime mime/crypt mime/submit
main_monitor        = common/monitor/monitor
main_auth           = common/monitor/auth
main_smtpd          = smtpd/smtpd
main_submit-front   = smtpd/front
main_check          = smtpd/check/check
main_policy         = smtpd/policy
main_pop3-front     = pop3d/front
main_imap-front     = imapd/front
main_pop3d          = pop3d/pop3d
main_imapd          = imapd/imapd
main_sieve-front    = local/managesieve/front
main_sieved         = local/managesieve/sieved
main_starter        = queue/starter
main_manager        = queue/manager
main_signer         = queue/signer
main_remote-spawner = remote/remote
main_sts            = remote/sts
main_local-spawner  = local/spawner
main_spam-gather    = local/gather
main_list-unsubscribe = local/list/cgi
main_mime           = mime/mime
main_mime-crypt     = mime/crypt
main_mime-submit    = mime/submit
main_mailq          = queue/mailq
main_kereru         = common/admin/kereru
main_sendmail       = queue/sendmail

SRC = $(wildcard common/*.c common/*/*.c common/*/*/*.c smtpd/*.c smtpd/*/*.c queue/*.c \
	remote/*.c local/*.c local/*/*.c pop3d/*.c imapd/*.c mime/*.c mime/*/*.c)
LIBSRC = $(filter-out $(addsuffix .c,$(MAINS)),$(SRC))
LIBGEN = $(B)/gen/charset_tables.c
UNIT = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_test.c))
FUZZ = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*_fuzz.c))

all: $(PROGS:%=$(B)/bin/%)

.SECONDEXPANSION:
.SECONDARY:
.DELETE_ON_ERROR:

# With c-ares comes a look-up of services that is never made, and a warning.
$(B)/bin/remote-spawner $(B)/bin/check: LDFLAGS += -Wl,--no-warnings
# kereru and sendmail ask NSS for the accounts of the system: never static.
$(B)/bin/kereru $(B)/bin/sendmail: LINK = -Wl,--gc-sections,--as-needed \
	-Wl,-z,relro,-z,now
# mime-crypt starts GnuPG by a library that no static program could use;
# mime-submit asks NSS for a host.
$(B)/bin/mime-crypt $(B)/bin/mime-submit: LINK = -Wl,--gc-sections,--as-needed \
	-Wl,-z,relro,-z,now
$(B)/bin/mime-crypt: LDLIBS += -lgpgme
# sts fetches by HTTPS, with a library that is no static one.
$(B)/bin/sts: LINK = -Wl,--gc-sections,--as-needed -Wl,-z,relro,-z,now
$(B)/bin/sts: LDLIBS += -lcurl
# One archive of all modules: the linker takes what a program calls, so what
# a program contains is what it uses. Its main decides.
$(B)/bin/%: $$(call obj,$$(main_$$*).c) $(B)/libkereru.a
	@mkdir -p $(@D)
	$(CC) $(HARDEN) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/libkereru.a: $(call obj,$(LIBSRC)) $(call obj,$(LIBGEN))
	@rm -f $@
	ar rcs $@ $^
$(B)/%.o: %.c | $(B)/gen/.made
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -c -o $@ $<
$(B)/gen/.made:
	@mkdir -p $(@D) && touch $@

# The system call filters, made by libseccomp at build time from one table.
$(B)/gen/filters.h: $(B)/sandbox_gen
	$< >$@
$(B)/sandbox_gen: common/sandbox_gen.c common/syscalls.h
	@mkdir -p $(@D) $(B)/gen
	$(CC) -std=c11 -D_GNU_SOURCE -I. $(WARN) -O1 -o $@ $< -lseccomp
$(B)/common/sandbox.o: $(B)/gen/filters.h

# Character set tables, made from the build host's iconv.
$(B)/gen/charset_tables.c: $(B)/charset_gen
	$< >$@
$(B)/charset_gen: mime/charset_gen.c mime/charset_tables.h
	@mkdir -p $(@D) $(B)/gen
	$(CC) -std=c11 -D_GNU_SOURCE -I. $(WARN) -O1 -o $@ $<

# Unit tests and fuzz targets are built by clang with the sanitizers, whatever
# CC and SANITIZE say: $(B)-san holds their objects. Not optimized: it builds in
# half the time, and what the optimizer would use silently is found.
SAN = $(MAKE) --no-print-directory B=$(B)-san SANITIZE=1 CC=clang \
	CFLAGS='-O0 -g1'
unit-%: ; +$(SAN) run-unit-$*
fuzz-%: ; +$(SAN) $(B)-san/fuzz/$*_fuzz
san-build: ; +$(SAN) objects unit-build fuzz-build
run-unit-%: $(B)/unit/% ; $<
$(B)/unit/%: $(B)/tests/unit/%.o $(B)/libkereru.a
	@mkdir -p $(@D)
	$(CC) $(HARDEN) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libkereru.a
	@mkdir -p $(@D)
	$(CC) $(HARDEN) -fsanitize=fuzzer $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The mains, for their warnings: sanitized programs are run by nobody here.
objects: $(foreach p,$(PROGS),$(call obj,$(main_$(p)).c))
unit-build: $(UNIT:%=$(B)/unit/%)
fuzz-build: $(FUZZ:%=$(B)/fuzz/%)

# What goes where, with its mode. sendmail gets its group and mode 2755 by
# `kereru setup`, which knows the group, and here if there is one of this name.
DROP ?= kr-drop
SERVICES = auth=common/monitor/auth.service check=smtpd/check/service \
	policy=smtpd/policy.service sts=remote/sts.service gather=local/gather.service smtp=smtpd/service \
	submit=smtpd/submit.service pop3=pop3d/service imap=imapd/service \
	sieve=local/managesieve/service queue=queue/service
# Each file appears under its name whole, by rename: what starts meanwhile is
# the old program or the new one.
install: all
	@put() { mode=$$1; dir=$(DESTDIR)$(PREFIX)/$$2; shift 2; \
		install -d -m 0755 $$dir && for f; do \
		install $$group -m $$mode $$f $$dir/.new.$${f##*/} && \
		mv -f $$dir/.new.$${f##*/} $$dir/$${f##*/} || exit 1; done; }; \
	set -e; group=; \
	put 0755 libexec/kereru $(PRIVATE:%=$(B)/bin/%); \
	put 0755 bin $(PUBLIC:%=$(B)/bin/%); \
	put 0755 sbin $(filter-out %/sendmail,$(ADMIN:%=$(B)/bin/%)); \
	for page in doc/man/*.[1-9]; do \
		put 0644 share/man/man$${page##*.} $$page; done; \
	for s in $(SERVICES); do from=$${s#*=}; to=share/kereru/service/$${s%=*}; \
		put 0755 $$to $$from/run $$from/finish; \
		put 0644 $$to $$from/*-fd $$from/timeout-kill; \
		put 0755 $$to/log $$from/log/run; \
		put 0644 $$to/log $$from/log/*-fd; done; \
	mail=$(DESTDIR)$(PREFIX)/sbin/sendmail; mode=0755; \
	if [ -g $$mail ]; then group="-g $$(stat -c %g $$mail)"; mode=2755; \
	elif [ "$$(id -u)" = 0 ] && getent group $(DROP) >/dev/null; then \
		group="-g $(DROP)"; mode=2755; fi; \
	put $$mode sbin $(B)/bin/sendmail; \
	ln -sf ../sbin/sendmail $(DESTDIR)$(PREFIX)/bin/newaliases
deb: all ; @exec common/admin/debian/build.sh "$(MAKE)" "$(B)" "$(VERSION)"
run: ; @exec common/admin/run.sh "$(MAKE)" "$(B)"
# These install what they need. The last line of check is its result.
check soak: ; @exec tests/run $@ "$(MAKE)" "$(B)"
bench: ; @exec tests/bench/run "$(MAKE)" "$(B)"

help:
	@echo 'make            build all programs into build/ (B=DIR: elsewhere)'
	@echo 'make SANITIZE=1, CC=clang   other ways to build; use another B'
	@echo 'make run        a demo host in the foreground, as root'
	@echo 'make check      every test, as root; soak: the long ones; bench'
	@echo 'make unit-NAME  one unit test, e.g. unit-addr_test'
	@echo 'make fuzz-NAME  one fuzz target, e.g. fuzz-addr: build-san/fuzz/addr_fuzz'
	@echo 'make deb        a Debian package, in build/'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR=; then: kereru setup HOST'
clean: ; rm -rf $(B) $(B)-san

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all deb clean objects fuzz-build unit-build san-build install run check \
	soak bench help
