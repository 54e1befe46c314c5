# SPDX-License-Identifier: GPL-3.0-or-later
#
# pgvigil: one program, one library behind it, one program per unit test.
#
# A variant is a folder below build/: release (what is installed), test (release with the failpoints
# that the test suites use), san (address and undefined-behaviour sanitizers), cov (coverage).
# Everything is found by wildcard: a new source or test needs no line here.
#
#   make                     build/release/pgvigil
#   make test                everything that must hold, also under the sanitizers
#   make VARIANT=san build   build/san/pgvigil and nothing else
#   make CC=clang WERROR=1   another compiler, warnings as errors (also with CI=true)

# --- settings, to be overridden on the command line or in the environment ------------------------

VERSION    := 0.1.0
VARIANT    ?= release
BUILD      ?= build
PREFIX     ?= /usr/local
DESTDIR    ?=
PKG_CONFIG ?= pkg-config
PYTHON     ?= /usr/bin/python3
CFLAGS     ?= -O2 -g
LDFLAGS    ?=
JOBS       ?= $(shell nproc 2>/dev/null || echo 1)

# --- sources ------------------------------------------------------------------------------------

OUT        := $(BUILD)/$(VARIANT)
MAIN_SRC   := agent/main.c
LIB_SRC    := $(filter-out $(MAIN_SRC),$(sort $(wildcard agent/*.c agent/*/*.c checks/*.c)))
TEST_SRC   := $(sort $(wildcard tests/unit/test_*.c tests/integration/test_*.c))
TOOL_SRC   := $(sort $(wildcard tests/*.c tests/bench/*.c))
FAKE_SRC   := $(filter-out $(TEST_SRC),$(sort $(wildcard tests/unit/*.c tests/integration/*.c)))
DRIFT_SRC  := $(sort $(wildcard tests/bench/drift/*.c))
C_FILES    := $(sort $(wildcard agent/*.[ch] agent/*/*.[ch] checks/*.[ch] include/pgvigil/*.h \
                tests/*.c tests/bench/*.c tests/bench/drift/*.[ch] tests/unit/*.[ch] \
                tests/integration/*.[ch]))

# The test build differs from the release in the files with failpoints: the other objects are the
# release's, compiled once. No header includes failpoint.h: tests/layers.sh sees to that.
FAILING    := $(if $(filter test,$(VARIANT)),$(shell grep -lF pgvigil/failpoint.h $(LIB_SRC)))
SHARED     := $(if $(FAILING),$(filter-out $(FAILING),$(MAIN_SRC) $(LIB_SRC)))
USED       := $(sort $(VARIANT) $(if $(SHARED),release))

home        = $(if $(filter $(1),$(SHARED)),release,$(VARIANT))
object      = $(foreach f,$(1),$(BUILD)/$(call home,$(f))/$(f:.c=.o))
LIBRARY    := $(OUT)/libpgvigil.a
FAKES      := $(if $(FAKE_SRC),$(OUT)/libfakes.a)
PROGRAM    := $(OUT)/pgvigil
TESTS      := $(patsubst %.c,$(OUT)/%,$(TEST_SRC))
TOOLS      := $(patsubst %.c,$(OUT)/%,$(TOOL_SRC))
SIMULATE   := $(OUT)/tests/bench/drift/simulate
TIMED      := $(OUT)/tests/bench/budget $(OUT)/tests/bench/heart

# --- flags --------------------------------------------------------------------------------------

PACKAGES   := libpq gsl libcurl yaml-0.1 jansson sqlite3 libmicrohttpd libxxhash glib-2.0
# Asked once, when first needed: `make deps` must work where pkg-config itself is missing.
PC_CFLAGS   = $(eval PC_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PC_CFLAGS)
PC_LIBS     = $(eval PC_LIBS := $$(shell $(PKG_CONFIG) --libs $(PACKAGES)))$(PC_LIBS)
TEST_LIBS   = $(eval TEST_LIBS := $$(shell $(PKG_CONFIG) --libs cmocka))$(TEST_LIBS)

WARNINGS   := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
              -Walloca -Wformat=2
ifneq ($(filter true 1,$(CI) $(WERROR)),)
WARNINGS   += -Werror
endif

HARDEN     := -fstack-protector-strong -D_FORTIFY_SOURCE=2
FLAGS_release := $(HARDEN)
FLAGS_test    := $(HARDEN) -DVG_FAILPOINTS
FLAGS_san     := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined \
                 -fno-sanitize-recover=all -DVG_FAILPOINTS
# The instrumented code makes gcc see two things that are not there.
ifeq ($(findstring clang,$(CC)),)
FLAGS_san     += -Wno-format-truncation -Wno-maybe-uninitialized
endif
FLAGS_cov     := -O0 -g --coverage -DVG_FAILPOINTS
ifeq ($(filter release test san cov,$(VARIANT)),)
$(error VARIANT is '$(VARIANT)', but the variants are release, test, san and cov)
endif

# Unit test programs are many and run for moments: compiled and linked in the quickest way.
unit_flags  = $(filter-out $(HARDEN),$(FLAGS_$(1))) -U_FORTIFY_SOURCE -O0 -g1
FAST_LD    := $(if $(shell command -v ld.gold),-fuse-ld=gold)

# banned.h is included before everything: it makes calls of strcpy and its like errors.
cflags      = -std=c11 -D_GNU_SOURCE -DVG_VERSION='"$(VERSION)"' -Iinclude -I. \
              -include pgvigil/banned.h $(WARNINGS) -fPIE -pthread $(CFLAGS) $(1) $(PC_CFLAGS)
ALL_CFLAGS  = $(call cflags,$(FLAGS_$(VARIANT)))
ldflags     = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(CFLAGS) $(FLAGS_$(1)) $(LDFLAGS)
ALL_LDFLAGS = $(call ldflags,$(VARIANT))

# --- what people ask for ------------------------------------------------------------------------

.PHONY: all help deps test test-long demo bench bench-drift pictures install clean fmt lint san \
        cov build build-tests quick unit e2e need
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

all: ## build the program: build/release/pgvigil
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=$(VARIANT) build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

deps: ## install what building and testing need (Debian, as root); elsewhere say what it is
	@tests/deps

test: need ## layers, sizes, documentation, unit and end-to-end tests, then again under sanitizers
	@tests/run quick build:release build:test build:san docs \
		unit:test unit:san e2e:test e2e:san

test-long: need ## the long suites: kills at random moments, many seeds, large tables
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=release build
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=test build build-tests
	@tests/run whole:test long:test

demo: need ## the demo: real data, real servers, about two minutes
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=release build
	@tests/demo/run

bench: need ## time a check of 5 million rows against a plain COPY of the same columns
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=release build $(TIMED)
	@tests/run bench

bench-drift: need ## false alarms and delays of drift on made columns; REAL=1: on real tables
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=release build $(SIMULATE)
	@tests/run bench-drift

pictures: need ## draw the pictures of docs/drift.md again: a few minutes
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=release build
	@tests/pictures/run

san: need ## build with the address and undefined-behaviour sanitizers, run the unit tests
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=san build build-tests
	@tests/run unit:san

cov: need ## unit and end-to-end tests with coverage: build/cov/coverage.txt and .html
	@$(MAKE) -j$(JOBS) --no-print-directory VARIANT=cov build build-tests
	@tests/run unit:cov e2e:cov coverage

lint: need ## formatting, the layer and size rules, and what clang's analysis asks about
	@tests/run quick
	@clang-format --dry-run -Werror $(C_FILES)
	@for f in $(MAIN_SRC) $(LIB_SRC); do \
		clang --analyze $(filter-out -Werror -pthread,$(ALL_CFLAGS)) -o /dev/null $$f; done

fmt: ## format the C files
	@clang-format -i $(C_FILES)

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/release/pgvigil $(DESTDIR)$(PREFIX)/bin/pgvigil
	install -d $(DESTDIR)$(PREFIX)/share/pgvigil $(DESTDIR)$(PREFIX)/share/doc/pgvigil
	cp -R rules dashboards $(DESTDIR)$(PREFIX)/share/pgvigil/
	install -m 644 README.md LICENSE docs/*.md $(DESTDIR)$(PREFIX)/share/doc/pgvigil/

clean: ## remove everything that was built
	rm -rf $(BUILD)

need:
	@tests/deps --quiet

# --- how it is built ----------------------------------------------------------------------------

# Where nobody watches only warnings and errors are told.
say := $(if $(filter true,$(CI)),@:,@echo)

build: $(PROGRAM)
build-tests: $(TESTS) $(TOOLS) $(SIMULATE)

# Rewritten only when compiler or flags change; every object depends on it.
define compile
$(BUILD)/$(1)/flags: FORCE
	@$$(PKG_CONFIG) --exists $$(PACKAGES) || \
		{ echo "libraries are missing: run make deps" >&2; exit 1; }
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$$(CC) $$(call cflags,$$(FLAGS_$(1))) $$(call unit_flags,$(1)) \
		$$(call ldflags,$(1)))' >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@

$(BUILD)/$(1)/%.o: %.c $(BUILD)/$(1)/flags
	@mkdir -p $$(@D)
	$$(say) "  cc   $$@"
	@$$(CC) $$(call cflags,$$(or $$(UNIT_FLAGS),$$(FLAGS_$(1)))) -MMD -MP -c -o $$@ $$<
endef
$(foreach variant,$(USED),$(eval $(call compile,$(variant))))
.PHONY: FORCE
FORCE:

$(OUT)/tests/unit/%.o $(OUT)/tests/integration/%.o: UNIT_FLAGS = $(call unit_flags,$(VARIANT))

# An archive keeps members whose source has gone, so it is made anew.
$(LIBRARY): $(call object,$(LIB_SRC))
	@rm -f $@
	@ar rcsD $@ $^

$(FAKES): $(call object,$(FAKE_SRC))
	@rm -f $@
	@ar rcsD $@ $^

$(PROGRAM): $(call object,$(MAIN_SRC)) $(LIBRARY)
	$(say) "  link $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PC_LIBS) -lm

$(TESTS): $(OUT)/%: $(OUT)/%.o $(FAKES) $(LIBRARY)
	$(say) "  link $@"
	@$(CC) $(ALL_LDFLAGS) $(FAST_LD) -o $@ $^ $(TEST_LIBS) $(PC_LIBS) -lm

$(TOOLS): $(OUT)/%: $(OUT)/%.o $(LIBRARY)
	$(say) "  link $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PC_LIBS) -lm

$(SIMULATE): $(call object,$(DRIFT_SRC)) $(LIBRARY)
	$(say) "  link $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PC_LIBS) -lm

-include $(patsubst %.o,%.d,$(call object,$(MAIN_SRC) $(LIB_SRC) $(TEST_SRC) $(TOOL_SRC) \
	$(DRIFT_SRC) $(FAKE_SRC)))
