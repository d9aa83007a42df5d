#!/bin/sh
# run-systemd.sh CLONE NODE UNITS: systemd as the first process of namespaces of its own, with no unit but those of
# UNITS, and CLONE as the package that is installed. What it writes lies in memory.
set -eu
clone=$1 node=$2 units=$3

# Filled before its file systems are covered.
memory=/srv
mount --make-rprivate /
mount -t tmpfs tmpfs "$memory"
mkdir "$memory/units" "$memory/empty" "$memory/clone"
cp "$units"/* "$memory/units/"
for target in sysinit basic sockets shutdown network-online multi-user test; do
  printf '[Unit]\nDefaultDependencies=no\n' >"$memory/units/$target.target"
done
mount --bind "$clone" "$memory/clone"

mount -t tmpfs tmpfs /usr/local/lib
mkdir -p /usr/local/lib/node_modules/siflet/dist
echo "import \"$memory/clone/src/main.ts\";" >/usr/local/lib/node_modules/siflet/dist/main.js
echo '{"type":"module"}' >/usr/local/lib/node_modules/siflet/package.json
mount -t tmpfs tmpfs /usr/local/sbin
touch /usr/local/sbin/node
mount --bind "$node" /usr/local/sbin/node

for directory in /usr/lib/systemd/system-generators /usr/lib/systemd/system-environment-generators /etc/systemd/system; do
  mount --bind "$memory/empty" "$directory"
done
mount --bind "$memory/units" /usr/lib/systemd/system
for directory in /var/lib /run /tmp; do mount -t tmpfs tmpfs "$directory"; done
mount -t proc proc /proc
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=test.target --log-target=console --show-status=false
