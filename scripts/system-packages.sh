#!/bin/sh
# Installs from Debian what the integration tests need beyond npm, and only what is missing.
# Without root or apt-get it says what to install and leaves it at that: the tests that need it fail and say so too.
set -u
PATH=$PATH:/usr/sbin:/sbin

packages=""
need() { command -v "$1" >/dev/null 2>&1 || packages="$packages $2"; }
need nft nftables
need fping fping
need zsh zsh
need fish fish
[ -e /usr/share/bash-completion/bash_completion ] || packages="$packages bash-completion"
need ip iproute2
need chromium chromium
need promtool prometheus
need systemd-analyze systemd
need kubectl kubernetes-client
need aws awscli
# The EC2 emulator goes into a virtual environment, for which Debian's Python lacks a part.
if ! command -v moto_server >/dev/null 2>&1; then
  python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages="$packages python3-venv"
fi
[ -n "$packages" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "tests: missing here, please install:$packages (on Debian, as root: apt-get install$packages)" >&2
  exit 0
fi

echo "tests: installing$packages" >&2
export DEBIAN_FRONTEND=noninteractive
wait_for_lock="-o DPkg::Lock::Timeout=120"
# An old list of packages may do where the update fails, so only the install decides.
apt-get update -qq >&2
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $wait_for_lock $packages >&2 ||
  echo "tests: apt-get could not install$packages; the tests that need it will fail" >&2
