# Shortcuts over CMake. `make help` lists them; the rest is in CMakeLists.txt.
#
#   BUILD=build          the build folder
#   CMAKE_FLAGS=...      flags for configuring, for example -DGN_WERROR=ON
#   ARGS=...             flags for the program, for example make train ARGS="--epochs 1"
#   PEERS=... MODES=...  of make bench-peers: all, or names (bench/peers/README.md)
#   TARGET=all SECONDS=60  of make fuzz: one of the targets, seconds for each; of make soak: for each
#   PREFIX=/usr/local    where `make install` puts things (DESTDIR is honoured)

BUILD ?= build
PREFIX ?= /usr/local
CMAKE_FLAGS ?=
ARGS ?=
CTEST_FLAGS ?=
TARGET ?= all
SECONDS ?= 60

PROGRAM = $(BUILD)/googlenet
CTEST = ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j 2 $(CTEST_FLAGS)

.PHONY: all help build train test test-quick test-full fuzz soak check format bench bench-peers docs install deb static clean

all: build

help:
	@echo 'make build       install what is missing, build $(PROGRAM)'
	@echo 'make train       build, find or fetch Fashion-MNIST, train the network (ARGS=...)'
	@echo 'make test        build and run the tests (test-quick: under a minute; test-full: all)'
	@echo 'make fuzz        look for bytes that break a reader (TARGET=... SECONDS=...)'
	@echo 'make soak        the server under good and hostile load, ASan, then TSan (SECONDS=...)'
	@echo 'make bench       time a training step (ARGS=...); bench-peers: compared with other frameworks'
	@echo 'make check       format and lengths of the source, direction of its includes, READMEs'
	@echo 'make format      format the source with clang-format'
	@echo 'make docs        the documentation as HTML: build-docs/html/index.html'
	@echo 'make install     install below PREFIX=$(PREFIX)'
	@echo 'make deb         Debian packages in build-deb/, checked by lintian'
	@echo 'make static      one program without shared libraries: build-static/googlenet'
	@echo 'make clean       remove $(BUILD)/'

build:
	@tools/setup.sh build
	@tools/build.sh $(BUILD) product $(CMAKE_FLAGS)

train:
	@tools/setup.sh train
	@tools/build.sh $(BUILD) product $(CMAKE_FLAGS)
	$(PROGRAM) train --data fashion-mnist $(ARGS)

test test-quick test-full:
	@tools/setup.sh test
	@tools/build.sh $(BUILD) all $(CMAKE_FLAGS)
	$(CTEST) $(LABELS_$@)

LABELS_test = -L 'quick|push'
LABELS_test-quick = -L quick

soak:
	@tools/setup.sh fuzz
	@tools/soak.sh $(SECONDS)

fuzz:
	@tools/setup.sh fuzz
	@tools/fuzz.sh $(TARGET) $(SECONDS)

check:
	@tools/setup.sh format
	@tools/check-format.sh
	@tools/check-floors.sh
	@tools/check-numbers.sh
	@tools/check-length.sh
	@tools/check-readme.sh

format:
	@tools/setup.sh format
	@tools/check-format.sh --fix

bench: build
	$(PROGRAM) bench --train $(ARGS)

bench-peers: build
	bench/peers/run.sh $(if $(PEERS),--peers "$(PEERS)") $(if $(MODES),--modes "$(MODES)") $(ARGS)

docs:
	@tools/setup.sh docs
	@tools/docs.sh

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

deb:
	@tools/setup.sh deb
	@tools/deb.sh

static:
	@tools/setup.sh build
	@tools/build.sh build-static program -DGN_STATIC=ON -DGN_TESTS=OFF -DCMAKE_BUILD_TYPE=Release $(CMAKE_FLAGS)
	@strip build-static/googlenet
	@! readelf -d build-static/googlenet | grep NEEDED
	@ls -l build-static/googlenet

clean:
	rm -rf $(BUILD)
