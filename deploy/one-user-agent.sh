#!/bin/sh
# Gives what an agent of the time of one user for all services (`blindsight`) has to blindsight-agent. The agent must not run, or be restarted afterwards.
# Nothing happens where there is no such user. Can be repeated.
set -eu
old=blindsight new=blindsight-agent
id "$old" >/dev/null 2>&1 || exit 0
if [ -d /run/systemd/system ]; then systemctl stop blindsight-agent || :; fi
for folder in /etc/blindsight /var/lib/blindsight-agent; do
  [ -d "$folder" ] || continue
  # Links are given away themselves, not what they name.
  find "$folder" -user "$old" -exec chown -h "$new" {} +
  find "$folder" -group "$old" -exec chgrp -h "$new" {} +
done
# The site may still be the old user's.
[ -e /var/lib/blindsight ] || userdel "$old"
