# The front door. Each target is one line of what it does; the work is in meson and tools/.
#
#   make setup      install the Debian packages that are missing (tools/packages.txt)
#   make build      build/release: what `make install` installs
#   make demo       setup, build, and a real agent at work in a sandbox (tools/demo)
#   make test       everything; the last line is "N passed, N failed"
#   make bench      the numbers of docs/benchmarks.md, with their peers
#   make install    PREFIX (default /usr/local) and DESTDIR are honoured
#   make uninstall  removes what `make install` put there
#   make fuzz       ten seconds of each fuzz target (SECONDS=600 for longer)
#   make soak       the long residue test: a thousand sandboxes, a fifth of them killed
#   make golden     writes the policies of tests/golden anew; read the difference
#   make lint       every static check    make format  clang-format over the tree
#   make check-all  lint, test, fuzz and soak

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= 2
SECONDS ?= 10

RELEASE := build/release

.PHONY: all build setup demo test bench install uninstall golden fuzz soak lint format check-all clean

all: build

setup:
	@tools/setup

$(RELEASE)/build.ninja:
	meson setup --buildtype=release --prefix="$(PREFIX)" --libexecdir=libexec $(RELEASE)

# A changed PREFIX is a reconfiguration: the paths are compiled in.
build: $(RELEASE)/build.ninja
	@tools/configure-prefix $(RELEASE) "$(PREFIX)"
	ninja -C $(RELEASE) -j $(JOBS)

demo:
	@tools/demo

test:
	@tools/run-tests

bench: build
	@tools/setup build bench
	@tools/run-bench

install: build
	DESTDIR="$(DESTDIR)" meson install -C $(RELEASE) --no-rebuild --strip

uninstall: $(RELEASE)/build.ninja
	@tools/configure-prefix $(RELEASE) "$(PREFIX)"
	@DESTDIR="$(DESTDIR)" tools/uninstall $(RELEASE)

golden: build
	ninja -C $(RELEASE) golden-update

fuzz:
	@tools/run-fuzz $(SECONDS)

soak: build
	@tools/run-soak

lint:
	@tools/run-tests lint

format:
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

check-all: lint test fuzz soak

clean:
	rm -rf $(RELEASE) build/gcc build/clang build/asan build/fuzz build/test-logs
