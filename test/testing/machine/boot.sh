#!/bin/bash
# The first process of a machine, started in namespaces of its own: boot.sh NAME FOLDER CLONE HOMES
#
# Its disk begins as this one's and goes its own way in memory: what it writes is seen nowhere else and gone with it. The machine
# goes down when standard input closes, so that it cannot outlive whoever started it.
set -eu
name=$1 folder=$2 clone=$3 homes=$4

hostname "$name"
mount -t tmpfs tmpfs "$folder"
mkdir "$folder/changes" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/changes,workdir=$folder/work" "$folder/root"
cd "$folder/root"
# Where this one has an installation, the other begins without.
rm -rf {etc,var/lib,usr/lib,usr/bin}/blindsight* etc/systemd/system/blindsight-*
# The list of what Debian offers is large, and nothing of it is wanted.
mount -t tmpfs tmpfs var/lib/apt/lists
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir run/home-of
mount --bind "$homes" run/home-of
# install.sh takes a machine with this folder for one that systemd runs.
mkdir -p run/systemd/system
# Nobody else looks into a home: Debian's default.
install -d -m 700 home/operator "$homes/$name"
mount --bind "$homes/$name" home/operator
mkdir -p home/operator/blindsight
mount --bind "$clone" home/operator/blindsight
mount -o remount,bind,ro home/operator/blindsight
install -m 755 home/operator/blindsight/test/testing/machine/bin/* usr/local/bin/
install -m 755 home/operator/blindsight/deploy/edge/systemd-notify usr/local/bin/
# Scripts of packages look for programs in Debian's folders only. And where this is a container, its policy forbids them to start services.
install -m 755 home/operator/blindsight/test/testing/machine/bin/systemctl usr/bin/systemctl
rm -f usr/sbin/policy-rc.d
install -d -m 1777 var/cache/compiled
mount -t tmpfs -o mode=1777 tmpfs tmp
ip link set lo up
# exec: bash, as the first process, buries whom others left behind.
exec chroot . /bin/bash -c 'echo up; read -r || :'
