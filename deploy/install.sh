#!/bin/sh
# Installs Blindsight's systemd services on Debian or Ubuntu, from a clone on which `npm start -- --help` ran once.
#
#   sudo deploy/install.sh agent DIR    a gateway; DIR is what `blindsight gateway enrol --out DIR` made, or /etc/blindsight later
#   sudo deploy/install.sh site NAME [HOST…]
#                                       broker and backend of a site; HOST is a name or an address under which gateways
#                                       on other machines reach the broker
#
# Running it again updates the program, starts the services anew, and leaves settings, keys and data as they are; but an installation of
# the time when all services had one user is brought into today's order. A machine can be both.
set -eu

settings=/etc/blindsight
units_folder=/etc/systemd/system
here=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

role=${1:-}
argument=${2:-}
case "$role" in
  agent) [ -f "$argument/agent.yaml" ] || fail "usage: install.sh agent DIR, where DIR holds agent.yaml" ;;
  site) [ -n "$argument" ] || fail "usage: install.sh site NAME [HOST…]" ;;
  *) fail "usage: install.sh agent DIR | install.sh site NAME [HOST…]" ;;
esac
shift 2
[ "$(id -u)" = 0 ] || fail "must run as root"
node=$(ls "$here"/node_modules/node-linux-*/bin/node 2>/dev/null | head -n 1)
[ -x "$node" ] || fail "run \`npm start -- --help\` in $here once: it installs the packages"
if [ "$role" = agent ]; then command -v ffmpeg >/dev/null || fail "ffmpeg is missing: apt-get install ffmpeg"; fi

# install_program ROLE PREFIX: a new tree beside the old one, then one rename: an interrupted update leaves a whole program.
install_program() {
  rm -rf "$2.new"
  mkdir -p "$2.new/docs"
  case "$1" in
    agent) "$node" "$here/deploy/edge/assemble.ts" "$2.new" ;;
    site) "$node" "$here/deploy/site/assemble.ts" "$2.new" ;;
  esac
  cp "$here"/docs/*.md "$2.new/docs/"
  chown -R root:root "$2.new"
  chmod -R go=rX "$2.new"
  rm -rf "$2.old"
  [ ! -e "$2" ] || mv "$2" "$2.old"
  mv "$2.new" "$2"
  rm -rf "$2.old"
}

# add_user NAME: the user, and the group, of one service.
add_user() {
  id "$1" >/dev/null 2>&1 || useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
}

install_units() {
  for unit; do install -m 644 "$here/deploy/systemd/$unit.service" "$units_folder/$unit.service"; done
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable "$@"
    # Anew, and not only where it does not run yet: what runs is the program that was there before.
    systemctl restart "$@"
  fi
}

if [ "$role" = agent ] || [ -e "$units_folder/blindsight-agent.service" ]; then
  install_program agent /usr/lib/blindsight
  add_user blindsight-agent
  install -d -m 755 "$settings"
  if [ ! -e "$settings/agent.yaml" ]; then
    for file in ca.pem gateway.pem owner-key.pub.pem; do install -m 644 "$argument/$file" "$settings/$file"; done
    # Private keys belong to root; systemd hands them to the service (LoadCredential=).
    # A package of an earlier version has no sealing.key, and its agent.yaml names none.
    for file in gateway.key signing.key sealing.key; do
      [ ! -e "$argument/$file" ] || install -m 600 "$argument/$file" "$settings/$file"
    done
    credentials=/run/credentials/blindsight-agent.service
    sed -e "s#\([a-zA-Z]*:\) *gateway\.key#\1 $credentials/gateway.key#" \
      -e "s#\([a-zA-Z]*:\) *signing\.key#\1 $credentials/signing.key#" \
      -e "s#\([a-zA-Z]*:\) *sealing\.key#\1 $credentials/sealing.key#" \
      -e "s#^data:.*#data: /var/lib/blindsight-agent#" \
      "$argument/agent.yaml" >"$settings/agent.yaml"
    # It may hold camera addresses with passwords: for root and the service only.
    chown root:blindsight-agent "$settings/agent.yaml"
    chmod 640 "$settings/agent.yaml"
    echo "Set the cameras in $settings/agent.yaml, then: sudo systemctl restart blindsight-agent"
  fi
  "$here/deploy/one-user-agent.sh"
  install_units blindsight-agent
fi

if [ "$role" = site ] || [ -e "$units_folder/blindsight-backend.service" ]; then
  install_program site /usr/lib/blindsight-site
  add_user blindsight-broker
  add_user blindsight-backend
  for name in broker backend; do install -d -o "blindsight-$name" -g "blindsight-$name" -m 700 "/var/lib/blindsight-$name"; done
  "$here/deploy/one-user-site.sh"
  blindsight=/usr/lib/blindsight-site/bin/blindsight
  if [ ! -e /var/lib/blindsight-backend/backend.yaml ]; then
    for host; do
      set -- "$@" --broker-host "$host"
      shift
    done
    "$blindsight" site init --site "$argument" "$@"
  elif [ "$role" = site ] && [ $# -gt 0 ]; then
    "$blindsight" site broker-host "$@"
  fi
  install_units blindsight-broker blindsight-backend
  echo "Manage it as: sudo blindsight model list"
fi

# A machine that is both has the command of the site, which knows that of the agent.
prefix=/usr/lib/blindsight
[ ! -e /usr/lib/blindsight-site ] || prefix=/usr/lib/blindsight-site
ln -sfn "$prefix/bin/blindsight" /usr/bin/blindsight
