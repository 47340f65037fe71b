#!/bin/sh
# Installs Blindsight's systemd services on Debian or Ubuntu, from a clone on which `npm start -- --help` ran once.
#
#   sudo deploy/install.sh agent DIR    a gateway; DIR is what `blindsight gateway enrol --out DIR` made, or /etc/blindsight later
#   sudo deploy/install.sh site NAME [HOST…]
#                                       broker and backend of a site; HOST is a name or an address under which gateways
#                                       on other machines reach the broker
#
# Running it again updates the program, starts the services anew, and leaves settings, keys and data as they are. A machine can be both.
set -eu

prefix=/usr/lib/blindsight
settings=/etc/blindsight
site_data=/var/lib/blindsight
units_folder=/etc/systemd/system
# What the program consists of, and nothing else: a site or a gateway's package that was made in the clone holds keys.
parts="agent backend bench broker cli cockpit config demo deploy docs fhe network protocol runtime setup vision node_modules package.json"
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

id blindsight >/dev/null 2>&1 || useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin blindsight

# A new tree beside the old one, then one rename: an interrupted update leaves a whole program.
rm -rf "$prefix.new"
mkdir -p "$prefix.new/bin"
if [ "$role" = agent ]; then command -v ffmpeg >/dev/null || fail "ffmpeg is missing: apt-get install ffmpeg"; fi
if [ "$role" = agent ] && [ ! -e "$units_folder/blindsight-backend.service" ]; then
  "$node" "$here/deploy/edge/assemble.ts" "$prefix.new"
else
  # shellcheck disable=SC2086
  (cd "$here" && tar --exclude=node_modules/.cache -cf - $parts) | tar -xf - -C "$prefix.new"
  cp "$node" "$prefix.new/bin/node"
  cat >"$prefix.new/bin/blindsight" <<'EOF'
#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$here/bin/node" "$here/cli/main.ts" "$@"
EOF
  chmod 755 "$prefix.new/bin/blindsight"
fi
mkdir -p "$prefix.new/docs"
cp "$here"/docs/*.md "$prefix.new/docs/"
chown -R root:root "$prefix.new"
chmod -R go=rX "$prefix.new"
rm -rf "$prefix.old"
[ ! -e "$prefix" ] || mv "$prefix" "$prefix.old"
mv "$prefix.new" "$prefix"
rm -rf "$prefix.old"
ln -sf "$prefix/bin/blindsight" /usr/bin/blindsight

if [ "$role" = agent ]; then
  units="blindsight-agent"
  if [ ! -e "$settings/agent.yaml" ]; then
    install -d -m 755 "$settings"
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
    chown root:blindsight "$settings/agent.yaml"
    chmod 640 "$settings/agent.yaml"
    echo "Set the cameras in $settings/agent.yaml, then: sudo systemctl restart blindsight-agent"
  fi
else
  units="blindsight-broker blindsight-backend"
  install -d -o blindsight -g blindsight -m 700 "$site_data"
  if [ ! -e "$site_data/backend.yaml" ]; then
    for host; do
      set -- "$@" --broker-host "$host"
      shift
    done
    runuser -u blindsight -- "$prefix/bin/blindsight" site init --site "$argument" --data "$site_data" "$@"
    # The broker takes its key from systemd (LoadCredential=).
    sed -i "s#^key:.*#key: /run/credentials/blindsight-broker.service/broker.key#" "$site_data/broker.yaml"
  elif [ $# -gt 0 ]; then
    runuser -u blindsight -- "$prefix/bin/blindsight" site broker-host "$@" --data "$site_data"
  fi
  echo "Manage it as: sudo -u blindsight blindsight model list --data $site_data"
fi

for unit in $units; do install -m 644 "$here/deploy/systemd/$unit.service" "$units_folder/$unit.service"; done
# A gateway that was enrolled by an earlier version has no such key, and a unit that names what is not there does not start.
if [ "$role" = agent ] && [ ! -e "$settings/sealing.key" ]; then
  sed -i '/^LoadCredential=sealing\.key:/d' "$units_folder/blindsight-agent.service"
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # shellcheck disable=SC2086
  systemctl enable $units
  # Anew, and not only where it does not run yet: what runs is the program that was there before. The other role runs the same one.
  for unit in blindsight-broker blindsight-backend blindsight-agent; do
    case " $units " in
      *" $unit "*) systemctl restart "$unit" ;;
      *) [ ! -e "$units_folder/$unit.service" ] || systemctl try-restart "$unit" ;;
    esac
  done
fi
