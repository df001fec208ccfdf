# shellcheck shell=bash
# Units of systemd, a line for cron, and the rotation of an instance's logs.

by=""
root=""
# Files of several instances on a machine stand beside each other.
unit=""

choose_scheduler() {
  by=${option[by]:-$(default_scheduler)}
  [[ $by =~ ^(systemd|cron|nobody)$ ]] || misuse "--by takes systemd, cron or nobody, not $by"
  root=${option[into]:-}
  [[ -n $root ]] || ((EUID == 0)) || fail "only root may write below /etc: give --into DIR"
  unit=vospec-$(printf '%s' "$folder" | tr -c 'A-Za-z0-9' '-' | sed 's/^-*//')
}

default_scheduler() { [[ -d /run/systemd/system ]] && printf systemd || printf cron; }

schedule_by_systemd() {
  local units=$root/etc/systemd/system
  mkdir -p "$units"
  put "$(instance_unit)" "$units/$unit.service"
  put "$(rescore_unit)" "$units/$unit-rescore.service"
  put "$(timer_unit "${option[at]:-*-*-* 02:00}")" "$units/$unit-rescore.timer"
  put "$(command_unit adopt "DaCHS takes over what was scored again for")" "$units/$unit-adopt.service"
  put "$(command_unit watch "Bringing back what was killed of")" "$units/$unit-watch.service"
  put "$(watch_timer_unit)" "$units/$unit-watch.timer"
  rotate_logs
  say "Written: $units/$unit.service, $unit-rescore.service, $unit-rescore.timer," \
    "$unit-adopt.service, $unit-watch.service, $unit-watch.timer"
  start_units
}

start_units() {
  if [[ -n $root || ! -d /run/systemd/system ]]; then
    say "To start them: systemctl daemon-reload; systemctl enable --now $unit.service" \
      "$unit-rescore.timer $unit-watch.timer"
    return
  fi
  systemctl daemon-reload
  systemctl enable --now "$unit.service" "$unit-rescore.timer" "$unit-watch.timer"
}

schedule_by_cron() {
  mkdir -p "$root/etc/cron.d"
  put "$(cron_table "${option[at]:-0 2 * * *}")" "$root/etc/cron.d/$unit"
  rotate_logs
  say "Written: $root/etc/cron.d/$unit"
}

unschedule() {
  [[ -n $root || ! -d /run/systemd/system ]] ||
    systemctl disable --now "$unit.service" "$unit-rescore.timer" "$unit-watch.timer" 2>/dev/null || true
  rm -f "$root/etc/systemd/system/$unit".service "$root/etc/systemd/system/$unit"-{rescore,watch}.{service,timer} \
    "$root/etc/systemd/system/$unit-adopt.service" \
    "$root/etc/cron.d/$unit" "$root/etc/logrotate.d/$unit"
  say "Nothing of $unit is scheduled any more"
}

# The caller's own account reads the survey's files and writes the store.
caller() { id -un; }

rescore_command() {
  printf '%s rescore --config %s' "$folder/venv/bin/vospec" "$folder/vospec.toml"
}

instance_unit() {
  cat <<END
[Unit]
Description=PostgreSQL and DaCHS of vospec in $folder
After=network.target local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
User=$(caller)
ExecStart=$checkout/deploy/up --folder $folder
ExecStop=$checkout/deploy/down --folder $folder
TimeoutStartSec=300

[Install]
WantedBy=multi-user.target
END
}

# Codes 3 (the gate is closed) and 4 (SIMBAD is silent) make the unit fail: somebody
# should look, though the service goes on.
rescore_unit() {
  cat <<END
[Unit]
Description=Scoring again what has come in to vospec in $folder
After=$unit.service
Wants=$unit.service
OnSuccess=$unit-adopt.service

[Service]
Type=oneshot
User=$(caller)
WorkingDirectory=$folder
ExecStart=$(rescore_command)
Nice=10
IOSchedulingClass=idle
# Readers come first when memory is short; the job goes on the next time.
OOMScoreAdjust=500
TimeoutStartSec=infinity
PrivateTmp=yes
END
}

# command_unit COMMAND WHAT: servers that a command of deploy/ starts live on when it has ended.
command_unit() {
  cat <<END
[Unit]
Description=$2 vospec in $folder
After=$unit.service

[Service]
Type=oneshot
User=$(caller)
ExecStart=$checkout/deploy/$1 --folder $folder
KillMode=process
TimeoutStartSec=1h
END
}

watch_timer_unit() {
  cat <<END
[Unit]
Description=When vospec in $folder is looked after

[Timer]
OnActiveSec=1min
OnUnitInactiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
END
}

timer_unit() {
  cat <<END
[Unit]
Description=When vospec in $folder scores again

[Timer]
OnCalendar=$1
# What was missed while the machine was off is done when it is on again.
Persistent=yes
RandomizedDelaySec=5min

[Install]
WantedBy=timers.target
END
}

# Cron mails what is printed: the few lines of the report.
cron_table() {
  cat <<END
# Written by deploy/schedule: scoring again what has come in to vospec in $folder.
PATH=/usr/bin:/bin
* * * * * $(caller) $checkout/deploy/watch --folder $folder >/dev/null 2>>$folder/log/rescore.log
@reboot $(caller) $checkout/deploy/up --folder $folder >>$folder/log/rescore.log
$1 $(caller) $(rescore_command) 2>>$folder/log/rescore.log && $checkout/deploy/adopt --folder $folder >>$folder/log/rescore.log
END
}

rotate_logs() {
  mkdir -p "$root/etc/logrotate.d"
  put "$(rotation)" "$root/etc/logrotate.d/$unit"
}

# Copied and cut, for the servers keep their logs open.
rotation() {
  cat <<END
$folder/log/*.log $folder/postgres/server.log $folder/nginx/*.log {
  weekly
  maxsize 50M
  rotate 8
  compress
  missingok
  notifempty
  copytruncate
  su root root
}
END
}
