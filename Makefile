# SPDX-License-Identifier: GPL-2.0-only
# `make help` lists the targets.

VERSION   := 0.1.0
PREFIX    ?= /usr/local
DESTDIR   ?=
SBINDIR   := $(PREFIX)/sbin
BINDIR    := $(PREFIX)/bin
DOCDIR    := $(PREFIX)/share/doc/ebpf-route
UNITDIR   := $(if $(filter /usr,$(PREFIX)),/lib/systemd/system,$(PREFIX)/lib/systemd/system)
B         ?= build

CC        ?= gcc
CLANG     ?= clang
BPFTOOL   ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool /usr/bin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
V         ?= 0

WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
WERROR    ?=
OPT       ?= -O2 -g
DEFINES   ?=
PKGS      := libnl-3.0 libnl-route-3.0 libnl-genl-3.0 libbpf libevent_core libevent_extra jansson inih libcap-ng
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
CFLAGS    += -std=gnu17 $(OPT) $(WARN) $(WERROR) -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(DEFINES) -iquote . -I$(B)/skel $(PKG_CFLAGS)
NL_LIBS   := $(shell $(PKG_CONFIG) --libs libnl-3.0 libnl-route-3.0 libnl-genl-3.0 2>/dev/null)
BPF_LIBS  := $(shell $(PKG_CONFIG) --libs libbpf 2>/dev/null)
DAEMON_LIBS := $(NL_LIBS) $(BPF_LIBS) $(shell $(PKG_CONFIG) --libs libevent_core libevent_extra jansson inih libcap-ng 2>/dev/null)
CLI_LIBS  := $(shell $(PKG_CONFIG) --libs jansson 2>/dev/null)
TEST_LIBS := $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null || echo -lcmocka)

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra -Wno-address-of-packed-member $(WERROR) $(DEFINES) \
	      -iquote . $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH)) $(PKG_CFLAGS)

# The pure core: no libbpf, libnl or logging. Linked into the daemon and the tests alike.
CORE      := $(wildcard daemon/mirror*.c) daemon/pool.c daemon/clock.c $(wildcard daemon/rib*.c) $(wildcard daemon/resolve*.c) daemon/addr.c \
	     $(wildcard daemon/user_*.c) \
	     $(wildcard daemon/fib.c daemon/fib_[!dl]*.c)
ENGINES   := daemon/fib_dir24.c daemon/fib_lpm.c
NETLINK   := $(wildcard netlink/*.c)
SHELL_SRC := $(filter-out $(CORE) $(ENGINES),$(wildcard daemon/*.c))
DAEMON    := $(CORE) $(ENGINES) $(NETLINK) $(SHELL_SRC)
CLI       := $(wildcard cli/*.c)
BPF       := $(wildcard bpf/*.bpf.c)
SKELS     := $(BPF:bpf/%.bpf.c=$(B)/skel/%.skel.h)
UNIT      := $(wildcard tests/unit/test_*.c)
UNIT_BINS := $(UNIT:tests/unit/%.c=$(B)/tests/%)
PACKETS   := $(wildcard tests/packets/*.c)
ACTIONS   := $(wildcard tests/bench/actions*.c)
BENCH     := $(filter-out $(ACTIONS),$(wildcard tests/bench/*.c))
SCALE     := $(wildcard tests/scale/*.c)
BENCH_SKELS := $(patsubst tests/bench/%.bpf.c,$(B)/skel/%.skel.h,$(wildcard tests/bench/*.bpf.c))
objs       = $(patsubst %.c,$(B)/$(1)/%.o,$(2))

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

.PHONY: all debug test-debug unit packets-test test twin chaos lint format fuzz fuzzers bench bench-actions bench-control install uninstall deb clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/ebpf-routed $(B)/ebpf-route

# ---- programs ------------------------------------------------------------------------------------
$(B)/ebpf-routed: $(call objs,obj,$(DAEMON))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(B)/ebpf-route: $(call objs,obj,$(CLI)) $(B)/obj/daemon/addr.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

$(B)/obj/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# The programs' headers read words of a frame wherever they lie, and as whatever they need.
$(B)/obj/daemon/explain_decide.o: CFLAGS += -fno-strict-aliasing -fno-sanitize=alignment

$(call objs,obj,$(SHELL_SRC)) $(call objs,obj,$(PACKETS)): | $(SKELS)
$(call objs,obj,$(filter-out %.bpf.c,$(BENCH) $(ACTIONS))): | $(SKELS) $(BENCH_SKELS)

# ---- BPF -----------------------------------------------------------------------------------------
$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/bpf/%.bpf.o: tests/bench/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/skel/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf > $@

# ---- tests ---------------------------------------------------------------------------------------
# Unit tests need no root and run under ASan and UBSan; tests/unit/test_X.c is one program.
ASAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
$(B)/asan/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out $(OPT),$(CFLAGS)) $(ASAN) -MMD -MP -c -o $@ $<

$(B)/tests/%: $(B)/asan/tests/unit/%.o $(call objs,asan,$(CORE) $(ENGINES) $(NETLINK)) $(call objs,asan,$(wildcard tests/unit/support*.c))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ASAN) -o $@ $^ $(NL_LIBS) $(BPF_LIBS) $(TEST_LIBS)

$(B)/packets-test: $(call objs,obj,$(PACKETS) $(CORE) $(ENGINES) daemon/explain_decide.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(BPF_LIBS) $(TEST_LIBS)

$(B)/bench: $(call objs,obj,$(filter-out %.bpf.c,$(BENCH)) $(ENGINES) daemon/addr.c $(wildcard daemon/rib*.c) daemon/pool.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(BPF_LIBS)

$(B)/actions: $(call objs,obj,$(filter-out %.bpf.c,$(ACTIONS)) $(addprefix tests/bench/,cpu.c table.c topology.c util.c) \
		$(ENGINES) daemon/addr.c $(wildcard daemon/rib*.c) daemon/pool.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(BPF_LIBS)

$(B)/scale: $(call objs,obj,$(SCALE) $(CORE) $(ENGINES) $(NETLINK))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(NL_LIBS) $(BPF_LIBS)

# For the twin routers and a test: what has to be linked anew only says by which hook a device is attached.
$(B)/ebpf-routed-mixed: $(call objs,obj,$(DAEMON) tests/twin/mixed.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=attach_link -o $@ $^ $(DAEMON_LIBS)

# ---- fuzzing: make fuzz SECONDS=60 ---------------------------------------------------------------
# Corpora stay in $(B)/fuzz/; what was found too, as crash-*.
SECONDS   ?= 60
FUZZ      := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CORE := $(CORE) $(NETLINK) $(wildcard daemon/config*.c) $(wildcard daemon/control*.c) daemon/descriptors.c daemon/show_get.c daemon/show_parts.c \
	     tests/fuzz/world.c tests/unit/support_events.c
FUZZ_SAN  := -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_LIB  := $(B)/fuzz/core.a
$(B)/fuzz/obj/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(filter-out $(OPT),$(CFLAGS)) $(FUZZ_SAN) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(call objs,fuzz/obj,$(FUZZ_CORE)): | $(SKELS)
$(FUZZ_LIB): $(call objs,fuzz/obj,$(FUZZ_CORE))
	$(call say,AR,$@)
	$(Q)$(AR) rc $@ $^

$(B)/fuzz/%: $(B)/fuzz/obj/tests/fuzz/%.o $(FUZZ_LIB)
	$(call say,LD,$@)
	$(Q)$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(DAEMON_LIBS)

fuzzers: $(FUZZ)
fuzz: fuzzers
	tests/fuzz/run $(B)/fuzz $(SECONDS)

unit: $(UNIT_BINS)
packets-test: $(B)/packets-test

test:
	scripts/check

# A daemon that an upgrade in tests/netns/68-restart.sh changes to: of another version and layout.
.PHONY: other
other:
	$(MAKE) B=$(B)/other VERSION=$(VERSION).1 DEFINES=-DLAYOUT_VERSION=1000 OPT=-O1 $(B)/other/ebpf-routed

# The long run of the twin routers: make twin SEEDS=100
SEEDS     ?= 100
twin: all
	tests/twin/twin --build $(B) --seeds $(SEEDS) --packets 50 --min-share 95 --jobs $(shell nproc) --verbose

# The long run under chaos: make chaos MINUTES=30 SEED=1
MINUTES   ?= 30
SEED      ?= 1
chaos: all
	tests/chaos/chaos --build $(B) --seed $(SEED) --minutes $(MINUTES)

debug:
	$(MAKE) B=build/debug OPT='$(ASAN)' all

# Everything in network namespaces with the daemon and the command under ASan and UBSan; leaks at exit count.
test-debug:
	B=build/debug OPT='$(ASAN)' LIMIT=900 ROUTED_SECONDS=120 SLOTS=$(shell nproc) scripts/check 'netns/[0-8]*'

# make bench ARGS=--quick; scripts/bench --help lists the arguments
bench: all $(B)/bench
	B=$(B) scripts/bench $(ARGS)

bench-actions: all $(B)/actions
	B=$(B) scripts/bench-actions $(ARGS)

bench-control:
	scripts/bench-control

lint:
	scripts/lint

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

# ---- install -------------------------------------------------------------------------------------
install: all
	install -D -m 755 $(B)/ebpf-routed $(DESTDIR)$(SBINDIR)/ebpf-routed
	install -D -m 755 $(B)/ebpf-route $(DESTDIR)$(BINDIR)/ebpf-route
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(DOCDIR)
	sed 's|/usr/sbin/|$(SBINDIR)/|; s|/usr/share/doc/ebpf-route/|$(DOCDIR)/|' packaging/ebpf-routed.service > $(DESTDIR)$(UNITDIR)/ebpf-routed.service
	install -m 644 README.md LICENSE docs/*.md docs/*.svg packaging/ebpf-route.conf $(DESTDIR)$(DOCDIR)/

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/ebpf-routed $(DESTDIR)$(BINDIR)/ebpf-route
	rm -f $(DESTDIR)$(UNITDIR)/ebpf-routed.service
	rm -rf $(DESTDIR)$(DOCDIR)

deb: all
	packaging/build-deb $(VERSION) $(B)

clean:
	rm -rf build

help:
	@echo 'all       ebpf-routed and ebpf-route in $(B)/ (V=1 shows the commands)'
	@echo 'debug     the same under ASan and UBSan, in build/debug/'
	@echo 'test-debug  the namespace tests with that build'
	@echo 'test      scripts/check: everything; unit, packets-test build only those'
	@echo 'twin      random operations and packets, kernel against fast path, SEEDS=100'
	@echo 'chaos     everything changes at random under traffic, MINUTES=30 SEED=1'
	@echo 'lint      formatting, clang-tidy, shellcheck, include directions, both compilers'
	@echo 'format    clang-format in place'
	@echo 'fuzz      each fuzzer for SECONDS=60'
	@echo 'bench     forwarding cost against the kernel and bpf_fib_lookup, ARGS=--quick'
	@echo 'bench-actions  what user routes and the tc hook cost against the kernel, ARGS=--quick'
	@echo 'bench-control  following the kernel with a full table: start, events, reaction, memory'
	@echo 'install   honours DESTDIR and PREFIX (now $(PREFIX))'
	@echo 'deb       a Debian package in $(B)/'
	@echo 'clean     removes build/'

-include $(shell find $(B) -name '*.d' 2>/dev/null)
