# ngx_http_schema1_module; "make help" lists the targets

BUILD     ?= build
NGINX_SRC ?= /usr/share/nginx/src
JOBS      ?= $(shell nproc 2> /dev/null || getconf _NPROCESSORS_ONLN)

ifneq ($(words $(CURDIR)) $(words $(BUILD)) $(words $(NGINX_SRC)),1 1 1)
$(error nginx cannot be built with a path that has a space: \
        "$(CURDIR)", BUILD=$(BUILD), NGINX_SRC=$(NGINX_SRC))
endif

# nginx and others are there; a user's PATH often lacks it
SBIN      := /usr/local/sbin:/usr/sbin:/sbin
export PATH := $(PATH):$(SBIN)

# where nginx looks for its modules
MODULES   ?= $(shell PATH=$$PATH:$(SBIN) nginx -V 2>&1 | tr ' ' '\n' \
                     | sed -n 's/^--modules-path=//p')

# where libraries are, as nginx's configure looks for them
PREFIXES  := /usr /usr/local /usr/pkg /opt/local /opt/homebrew
PREFIX    := $(filter-out /usr,$(patsubst %/include/jansson.h,%,$(firstword \
                 $(wildcard $(PREFIXES:%=%/include/jansson.h)))))

# documents with known results, for "make corpus" (t/golden where it is empty)
CORPUS    ?= $(wildcard t/golden)

# the test files of "make unit", "make test-nginx", "make e2e"
T         ?=

VERSION   := $(shell sed -n 's/^.define NGX_HTTP_SCHEMA1_VERSION *"\(.*\)"/\1/p' \
                     src/ngx_http_schema1.h)

override BUILD := $(abspath $(BUILD))

MODULE    := $(BUILD)/ngx_http_schema1_module.so
CLI       := $(BUILD)/schema1

CORE_SRCS := $(wildcard src/core/*.c)
CORE_OBJS := $(CORE_SRCS:src/core/%.c=$(BUILD)/core/%.o)
CLI_SRCS  := $(wildcard src/cli/*.c)
CLI_OBJS  := $(CLI_SRCS:src/cli/%.c=$(BUILD)/cli/%.o)
UNIT_SRCS := $(wildcard t/unit/test_*.c)
UNITS     := $(UNIT_SRCS:t/unit/%.c=$(BUILD)/unit/%)

CORE_CFLAGS := -std=gnu99 -g -O2 -Wall -Wextra -Werror \
               $(PREFIX:%=-I%/include) $(EXTRA_CFLAGS)
CORE_LIBS   := $(PREFIX:%=-L%/lib) -ljansson -lcrypto
CLI_LIBS    := -lcurl $(CORE_LIBS)
CLI_CFLAGS  := $(CORE_CFLAGS) -Isrc/core -Isrc/cli \
               -DCLI_VERSION='"$(VERSION)"'

TOOLS     := t/tools
SAY       := printf '  %s %s\n'
RUN       := $(TOOLS)/run-tests --jobs $(JOBS) $(if $(V),--verbose)

# a complete source: nginx is built from it for the tests
ifneq ($(wildcard $(NGINX_SRC)/src/core/nginx.c),)
ifeq ($(wildcard $(NGINX_SRC)/conf_flags),)
BINARY     = $(BUILD)/tested/nginx-binary
endif
endif

NGINX      = $(if $(BINARY),nginx,build)
NGINX_FOR  = $(if $(BINARY),tested,nginx)
NGINX_ENV  = $(if $(BINARY),TEST_NGINX_BINARY='$(BINARY)')
TESTED     = $(if $(BINARY),$(BUILD)/tested/$(notdir $(MODULE)),$(MODULE))

# evaluated where it is used: it may fetch Test::Nginx
TEST_ENV   = BUILD='$(BUILD)' SCHEMA1='$(CLI)' \
             BUILD_DIR='$(BUILD)' $(NGINX_ENV) \
             TEST_NGINX_LOAD_MODULES='$(TESTED)' $(EXTRA_ENV)
WITH_NGINX = lib=$$(BUILD='$(BUILD)' $(TOOLS)/test-nginx) || exit 1; \
             PERL5LIB=$(CURDIR)/t/lib$${lib:+:$$lib}$${PERL5LIB:+:$$PERL5LIB}

NGINX_TESTS  = $(wildcard t/*.t)
CORE_TESTS   = $(wildcard t/core/*.t)
CLI_TESTS    = $(wildcard t/cli/*.t)
E2E_TESTS    = $(wildcard t/e2e/*.t)
DIFF_TESTS   = $(wildcard t/diff/*.t)
FUZZ_TESTS   = $(wildcard t/fuzz/*.t)
SOAK_TESTS   = $(wildcard t/soak/*.t)
CORPUS_TESTS = $(if $(wildcard t/core/corpus.pl),$(if $(CORPUS), \
                    t/core/corpus.pl$(comma)$(CORPUS), \
                    '-t/core/corpus.pl:no documents$(comma) say CORPUS=DIR'))
comma        = ,

export BUILD NGINX_SRC JOBS CC CFLAGS LDFLAGS
# nginx takes a variable NGINX for its inherited sockets
unexport MAKEFLAGS NGINX


.PHONY: build nginx install clean deps cli convert unit test-nginx test-cli \
        corpus ported diff difftest fuzz e2e test suite asan valgrind check \
        mutants soak stress bench matrix deb test-deb image test-image \
        pictures rpm demo demo-stop help

# what is missing is named before anything is built
have = $(1:%=$(BUILD)/.have-%)

build:            $(call have,compiler)
ported:           $(call have,compiler cli perl)
suite:            $(call have,compiler cli perl $(NGINX_FOR))
unit corpus diff: $(call have,perl)
test-nginx test-cli soak: $(call have,perl $(NGINX_FOR))
e2e:              $(call have,perl $(NGINX_FOR) e2e)

build:  ## build the module into build/ (NGINX_SRC=DIR for another nginx)
	@MAKE='$(MAKE)' $(TOOLS)/module
	@echo "$(MODULE)"

# the one that the tests run, from NGINX_SRC
nginx:
	@MAKE='$(MAKE)' BINARY=1 BUILD='$(BUILD)/tested' $(TOOLS)/module
	@'$(BINARY)' -v

cli: $(CLI)  ## build the command line tool, build/schema1

install: build  ## install the module where nginx looks for it (MODULES=DIR)
	install -d $(DESTDIR)$(MODULES)
	install -m 644 $(MODULE) $(DESTDIR)$(MODULES)/

clean:  ## remove all that was built, stop the demo
	@if [ -x t/demo/demo ]; then t/demo/demo stop > /dev/null; fi
	rm -rf $(BUILD)

deps:  ## install Debian's packages that building and testing need
	@$(TOOLS)/deps build test

test: deps  ## install what it needs, run everything (NGINX_SRC=DIR)
	@$(MAKE) --no-print-directory suite

# without installing packages; SUITE=FILES for a part of it
SUITE     ?= $(UNITS) $(CORE_TESTS) $(CLI_TESTS) $(CORPUS_TESTS) \
             $(DIFF_TESTS) $(FUZZ_TESTS) $(NGINX_TESTS) $(E2E_TESTS) $(SOAK_TESTS)

suite:
	@$(MAKE) --no-print-directory -j $(JOBS) $(NGINX) cli $(UNITS)
	@$(WITH_NGINX) $(TEST_ENV) $(RUN) $(SUITE)

unit: $(UNITS)  ## test the core alone (T=FILE for some)
	@$(TEST_ENV) $(RUN) $(if $(T),$(T),$(UNITS))

corpus: cli  ## compare with documents whose result is known (CORPUS=DIR)
	@$(TEST_ENV) $(RUN) $(CORPUS_TESTS)

# unit and corpus on another processor, for t/matrix: EMULATOR runs its programs
PORTED     = $(UNITS:$(BUILD)/unit/%=$(BUILD)/run/%)

ported: $(PORTED) $(BUILD)/run/schema1
	@$(TEST_ENV) SCHEMA1='$(BUILD)/run/schema1' $(RUN) $(PORTED) \
	    $(CORPUS_TESTS)

$(PORTED) $(BUILD)/run/schema1: $(UNITS) $(CLI)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec $(EMULATOR) %s "$$@"\n' \
	    '$(or $(filter %/unit/$(@F),$(UNITS)),$(CLI))' > $@
	@chmod 755 $@

diff: cli  ## compare with distribution's own builder on random images
	@$(TEST_ENV) $(RUN) $(DIFF_TESTS)

difftest: cli  ## the same for long (N=1000000 SEED=1)
	@BUILD_DIR='$(BUILD)' SCHEMA1='$(CLI)' \
	    t/diff/run $(or $(N),1000000) $(or $(SEED),1)

fuzz:  ## run the fuzzers, each for T seconds (10)
	@$(TOOLS)/deps build fuzz
	@T=$(or $(T),10) t/fuzz/run

test-nginx: $(NGINX)  ## run the Test::Nginx suite (T='t/a.t t/b.t' for some)
	@$(WITH_NGINX) $(TEST_ENV) $(RUN) $(if $(T),$(T),$(NGINX_TESTS))

test-cli: $(NGINX) cli  ## test the command line tool (T=FILE)
	@$(WITH_NGINX) $(TEST_ENV) $(RUN) \
	    $(if $(T),$(T),t/core/convert.t $(CLI_TESTS))

e2e: $(NGINX) cli  ## test with a real registry and real clients (T=FILE)
	@$(WITH_NGINX) $(TEST_ENV) $(RUN) $(if $(T),$(T),$(E2E_TESTS))

mutants: build  ## change the source, count what is noticed (N=400 SEED=1)
	@t/mutants/mutants --core $(or $(N),400) --seed $(or $(SEED),1) \
	    --glue $(or $(G),$(shell expr \( $(or $(N),400) + 3 \) / 4)) \
	    --jobs $(JOBS) $(F)

soak: $(NGINX)  ## mixed traffic, faults, reloads for M minutes (30)
	@$(WITH_NGINX) $(TEST_ENV) M='$(or $(M),30)' \
	    $(TOOLS)/run-tests --verbose t/soak/soak.t

stress:  ## random registries, clients and locations under ASan (M=15 SEED=1)
	@$(TOOLS)/deps build test asan
	@M='$(or $(M),15)' SEED='$(SEED)' $(TOOLS)/asan --verbose t/soak/stress.t

asan:  ## run unit tests and suite under AddressSanitizer and UBSan
	@$(TOOLS)/deps build test asan
	@$(TOOLS)/asan $(if $(V),--verbose) $(T)

valgrind: build $(UNITS)  ## run unit tests and suite under valgrind
	@$(TOOLS)/deps valgrind
	@$(TOOLS)/valgrind $(if $(V),--verbose) $(T)

check:  ## gcc's analyzer, clang, clang-tidy, cppcheck
	@$(TOOLS)/deps build check
	@$(TOOLS)/check

matrix:  ## releases, processors, compilers in chroots (S='NAME...' or S=list)
	@$(TOOLS)/deps chroot
	@t/matrix/run $(S)

deb:  ## build Debian's package into build/
	@$(TOOLS)/deps build deb
	@packaging/deb

test-deb: deb  ## lintian; install, upgrade, remove, purge it in a chroot
	@$(TOOLS)/deps chroot lintian
	@packaging/test-deb

image: deb  ## build an OCI image of nginx with the module into build/
	@$(TOOLS)/deps chroot image
	@packaging/image/build

test-image: image  ## run it in front of a registry, with a client
	@$(WITH_NGINX) $(TEST_ENV) IMAGE='$(BUILD)/nginx-schema1.tar' \
	    $(RUN) t/image/image.t

pictures:  ## draw the pictures of README.md and docs/ again
	@docs/pictures/draw docs/pictures

rpm:  ## have rpmbuild read the spec, make a source package of it
	@$(TOOLS)/deps rpm
	@packaging/rpm

bench: build cli  ## measure: throughput, memory, stalls (B='linear stall')
	@$(TOOLS)/deps build bench
	@BUILD='$(BUILD)' t/bench/bench $(B)

demo:  ## show it with a real registry (installs what it needs)
	@$(TOOLS)/deps build demo
	@$(MAKE) --no-print-directory build
	@t/demo/demo start

demo-stop:  ## stop the demo, remove its files
	@t/demo/demo stop

help:  ## print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1 \2/p' Makefile \
	    | while read -r t d; do printf '  make %-12s %s\n' "$$t" "$$d"; done

# the former name
convert: cli

$(CLI): $(BUILD)/cli/schema1.o $(BUILD)/libcli.a $(BUILD)/libcore.a
	@$(SAY) LD $@
	@$(CC) $(CLI_CFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

$(BUILD)/libcli.a: $(filter-out %/schema1.o,$(CLI_OBJS))
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/cli/%.o: src/cli/%.c
	@mkdir -p $(@D)
	@$(SAY) CC $<
	@$(CC) $(CLI_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libcore.a: $(CORE_OBJS)
	@rm -f $@
	@$(AR) rcs $@ $(CORE_OBJS)

$(BUILD)/core/%.o: src/core/%.c
	@mkdir -p $(@D)
	@$(SAY) CC $<
	@$(CC) $(CORE_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: t/unit/%.c $(BUILD)/libcore.a $(wildcard t/unit/*.h)
	@mkdir -p $(@D)
	@$(SAY) CC $<
	@$(CC) $(CORE_CFLAGS) -pthread -Isrc/core -It/unit -o $@ $< \
	    $(BUILD)/libcore.a $(CORE_LIBS)

$(BUILD)/unit/test_cli_%: t/unit/test_cli_%.c $(BUILD)/libcli.a \
                          $(BUILD)/libcore.a $(wildcard t/unit/*.h)
	@mkdir -p $(@D)
	@$(SAY) CC $<
	@$(CC) $(CLI_CFLAGS) -It/unit -o $@ $< $(BUILD)/libcli.a \
	    $(BUILD)/libcore.a $(CLI_LIBS)

$(CORE_OBJS) $(CLI_OBJS) $(UNITS): | $(call have,compiler)
$(CLI_OBJS): | $(call have,cli)

$(BUILD)/.have-%:
	@mkdir -p $(BUILD)
	@NEED_CFLAGS='$(PREFIX:%=-I%/include) $(EXTRA_CFLAGS)' \
	    $(TOOLS)/need $*
	@touch $@

# other flags: other objects
$(CORE_OBJS) $(CLI_OBJS) $(UNITS): $(BUILD)/.flags

$(BUILD)/.flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(CORE_CFLAGS) $(LDFLAGS) $(VERSION)' | cmp -s - $@ \
	    || echo '$(CC) $(CORE_CFLAGS) $(LDFLAGS) $(VERSION)' > $@

FORCE:

-include $(CORE_OBJS:.o=.d) $(CLI_OBJS:.o=.d)
