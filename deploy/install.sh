#!/bin/sh
# Installs Blindsight on Debian or Ubuntu, from a clone on which `npm start -- --help` ran once: makes a package of it, installs that, and gives it
# its settings.
#
#   sudo deploy/install.sh agent [DIR]  a gateway, which is then enrolled by `blindsight agent enrol`; or DIR is what `blindsight gateway enrol --out DIR` made
#   sudo deploy/install.sh site NAME [HOST…]
#                                       broker and backend of a site; HOST is a name or an address under which gateways
#                                       on other machines reach the broker
#
# $BLINDSIGHT_PACKAGES may name a folder with packages that are made already.
# Running it again updates the program, starts the services anew, and leaves settings, keys and data as they are; but an installation of
# the time when all services had one user is brought into today's order. A machine can be both.
set -eu

settings=/etc/blindsight
here=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

role=${1:-}
argument=${2:-}
case "$role" in
  agent) [ -z "$argument" ] || [ -f "$argument/agent.yaml" ] || fail "usage: install.sh agent [DIR], where DIR holds agent.yaml" ;;
  site) [ -n "$argument" ] || fail "usage: install.sh site NAME [HOST…]" ;;
  *) fail "usage: install.sh agent [DIR] | install.sh site NAME [HOST…]" ;;
esac
shift
[ $# = 0 ] || shift
[ "$(id -u)" = 0 ] || fail "must run as root"
node=$(ls "$here"/node_modules/node-linux-*/bin/node 2>/dev/null | head -n 1)
[ -x "$node" ] || fail "run \`npm start -- --help\` in $here once: it installs the packages"

# install_package ROLE
install_package() {
  scratch=$(mktemp -d)
  # apt reads it as a user of its own.
  chmod 755 "$scratch"
  if [ -n "${BLINDSIGHT_PACKAGES:-}" ]; then
    cp "$BLINDSIGHT_PACKAGES/blindsight-$1"_*.deb "$scratch"
  else
    PATH="$(dirname "$node"):$PATH" "$node" "$here/deploy/package/main.ts" --here --only "blindsight-$1" --out "$scratch"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --reinstall --no-install-recommends --allow-downgrades \
    "$scratch"/*.deb || fail "the package could not be installed; is the list of packages old? apt-get update"
  rm -r "$scratch"
}

start() {
  if [ -d /run/systemd/system ]; then systemctl restart "$@"; fi
}

# Without a package: of the time when both roles had one program and one user. The site goes first: it needs the old order less.
both=no
if [ -e /etc/systemd/system/blindsight-agent.service ] && [ -e /etc/systemd/system/blindsight-backend.service ]; then both=yes; fi

if [ "$role" = site ] || [ "$both" = yes ]; then
  install_package site
  if [ ! -e /var/lib/blindsight-backend/backend.yaml ]; then
    for host; do
      set -- "$@" --broker-host "$host"
      shift
    done
    blindsight site init --site "$argument" "$@"
  elif [ "$role" = site ] && [ $# -gt 0 ]; then
    blindsight site broker-host "$@"
  fi
  start blindsight-broker blindsight-backend
  echo "Manage it as: sudo blindsight model list"
fi

if [ "$role" = agent ] || [ "$both" = yes ]; then
  install_package agent
  if [ ! -e "$settings/agent.yaml" ] && [ -n "$argument" ]; then
    blindsight agent adopt "$argument" >/dev/null
    echo "Set the cameras in $settings/agent.yaml, then: sudo systemctl restart blindsight-agent"
  fi
  start blindsight-agent
fi
