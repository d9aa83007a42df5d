#!/bin/sh
# Installs what a clone needs, and nothing when it is all there:
#   scripts/setup.sh           the npm packages, among them the Node that runs this clone
#   scripts/setup.sh --tests   the Debian packages that the tests need, too
#   scripts/setup.sh --bench   the Debian packages that npm run bench needs, too
#   scripts/setup.sh --demo    the Debian packages that ./quickstart needs, too
set -eu

# A real registry and a server before it, makers of images, every independent reader of squashfs there is,
# and a container runtime with what it needs without root.
test_packages="docker-registry nginx containerd systemd skopeo umoci squashfs-tools squashfs-tools-ng squashfuse
  runc fuse3 fuse-overlayfs uidmap
  debootstrap busybox-static strace attr libcap2-bin gnupg openssl openssh-client qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross"
bench_packages="$test_packages time pigz"
demo_packages="docker-registry skopeo umoci squashfs-tools busybox-static"

# What npm and apt say, shown when they fail.
log=.cache/setup.log

say() { echo "setup: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# --- npm packages ---------------------------------------------------------------------------------

# The Node of node_modules runs here and is 24.15 or later.
has_node() {
  version=$(node_modules/.bin/node --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  [ "$major" -gt 24 ] || { [ "$major" -eq 24 ] && [ "$minor" -ge 15 ]; }
}

# `npm ci` empties node_modules first, so a copy of the lock file in there means a finished install.
stamp=node_modules/.siflet-package-lock.json

install_npm_packages() {
  if cmp -s package-lock.json "$stamp" && has_node; then return; fi
  command -v npm >/dev/null || die "npm is needed (Node 20 or later brings it)"
  say "npm packages (npm ci)"
  if [ ! -d "${HOME:-}" ] || [ ! -w "${HOME:-}" ]; then
    export npm_config_cache="$PWD/.cache/npm"
  fi
  # Said only when it fails; npm would also call the older Node that runs it unsupported, though it
  # only fetches the right one.
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error \
    </dev/null >"$log" 2>&1 || {
    cat "$log" >&2
    die "npm ci failed: its words stand above"
  }
  has_node || die "node_modules/.bin/node is not a Node 24.15 or later for $(uname -sm)"
  cp package-lock.json "$stamp"
}

# --- Debian packages ------------------------------------------------------------------------------

# Prints those of "$@" that are not installed.
missing_packages() {
  for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || printf '%s ' "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

apt_update() {
  as_root apt-get -qq update </dev/null
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 \
    install --yes --no-install-recommends "$@" </dev/null
}

# Package lists that apt fetched within the last day.
has_recent_lists() {
  [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null)" ] &&
    [ -n "$(find /var/lib/apt/lists -maxdepth 0 -mtime -1 2>/dev/null)" ]
}

# Lists may name versions that the mirror has replaced since: then a second try with fresh ones.
apt_get() {
  { has_recent_lists && apt_install "$@"; } || { apt_update && apt_install "$@"; }
}

# Debian starts docker-registry, nginx and containerd as services, some on every address, now and at each
# start of the machine. They are masked while the packages are configured and disabled afterwards: the
# programs run only while a test or the demonstration holds them.
services_among() {
  for package in "$@"; do
    case $package in docker-registry | nginx | containerd) printf '%s ' "$package" ;; esac
  done
}

keep_services_off() {
  command -v systemctl || return 0
  for service in "$@"; do
    as_root systemctl mask "$service.service" || true
  done
}

disable_services() {
  for service in "$@"; do
    if command -v systemctl; then
      as_root systemctl unmask "$service.service" || true
      as_root systemctl disable "$service.service" || true
    elif [ -x "/etc/init.d/$service" ]; then
      as_root invoke-rc.d "$service" stop || true
      as_root update-rc.d "$service" disable || true
    fi
  done
}

install_with_care() {
  # Only what is installed now: a service that the operator runs already is left alone.
  services=$(services_among "$@")
  status=0
  # shellcheck disable=SC2086 # a list of words
  keep_services_off $services
  apt_get "$@" || status=$?
  # shellcheck disable=SC2086 # a list of words
  disable_services $services
  return "$status"
}

install_debian_packages() {
  command -v dpkg-query >/dev/null || die "needs a Debian machine for the packages" "$@"
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    die "needs root or sudo to install the Debian packages: $missing"
  fi
  say "Debian packages: $missing"
  # shellcheck disable=SC2086 # the names are words of their own
  install_with_care $missing >"$log" 2>&1 || cat "$log" >&2
  missing=$(missing_packages "$@")
  [ -z "$missing" ] || die "could not install the Debian packages: $missing(apt's words stand above)"
}

# --------------------------------------------------------------------------------------------------

self=$(readlink -f -- "$0")
cd -- "${self%/*}/.."

case ${1-} in
  "" | --tests | --bench | --demo) ;;
  *) die "unknown option $1: expected --tests, --bench, --demo or nothing" ;;
esac

mkdir -p .cache
install_npm_packages
# shellcheck disable=SC2086 # lists of words
case ${1-} in
  --tests) install_debian_packages $test_packages ;;
  --bench) install_debian_packages $bench_packages ;;
  --demo) install_debian_packages $demo_packages ;;
esac
