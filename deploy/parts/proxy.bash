# shellcheck shell=bash
# nginx before several processes of DaCHS: it has the public port, all its files are in nginx/.
#
# Nothing need be sticky. Jobs of TAP stand in the database, their files in DaCHS' folder: each
# server tells of, starts and deletes all of them, and signals reach the processes of any, for
# all are one account's. How many run at a time is counted in the database, too.

# The process of the master, if it lives and is ours by the folder that it works in.
proxy_process() {
  local pid
  pid=$(cat "$folder/run/nginx.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ && $(proxy_processes) =~ (^|[[:space:]])$pid([[:space:]]|$) ]] && printf '%s' "$pid"
}

# The master and its workers, who go on without it.
proxy_processes() {
  local process
  for process in $(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$folder/nginx" -printf '%h\n' 2>/dev/null); do
    grep -qsx nginx "$process/comm" && printf '%s\n' "${process#/proc/}"
  done
  return 0
}

# An nginx that runs learns new settings and goes on with what it is at.
start_proxy() {
  ((processes > 1)) || return 0
  local settings=$folder/nginx/nginx.conf
  make_private "$folder/nginx"
  make_private "$folder/nginx/resting"
  proxy_settings | write_private "$settings.checked"
  run_proxy -q -t -c "$settings.checked" || fail "nginx cannot take $settings.checked: see $log"
  if proxy_process >/dev/null; then
    cmp -s "$settings.checked" "$settings" || { mv -f "$settings.checked" "$settings" && turn_proxy; }
  else
    end_proxy
    mv -f "$settings.checked" "$settings"
    run_proxy -c "$settings" || fail "nginx does not start: see $folder/nginx/error.log"
  fi
  await_proxy
}

run_proxy() {
  (cd "$folder/nginx" && exec "${as[@]}" /usr/sbin/nginx -e "$folder/nginx/error.log" -p "$folder/nginx" "$@") \
    </dev/null 8>&- 9>&-
}

turn_proxy() { kill -HUP "$(proxy_process)"; }

await_proxy() {
  local deadline=$((SECONDS + 30))
  until service_answers; do
    ((SECONDS < deadline)) || fail "nginx does not answer at $(service_url): see $folder/nginx/error.log"
    sleep 0.2
  done
}

# What it is at may end within some seconds.
stop_proxy() {
  local pid tries
  pid=$(proxy_process) || true
  [[ -z $pid ]] || kill -QUIT "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 50; tries++)); do
    [[ -n $(proxy_process) ]] || break
    sleep 0.1
  done
  end_proxy
}

end_proxy() {
  proxy_processes | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
  rm -f "$folder/run/nginx.pid"
}

# No more requests go to a server, those that it has are waited for. nginx looks for this file
# at each request: to tell it by its settings would close connections of clients.
rest_server() {
  [[ $1 != dachs ]] || return 0
  [[ ! -d $folder/nginx/resting ]] || as_account touch "$folder/nginx/resting/$1"
  await_quiet "$1"
}

wake_server() { rm -f "$folder/nginx/resting/$1"; }

await_quiet() {
  local deadline=$((SECONDS + longest_request))
  while ((SECONDS < deadline)) && is_asked "$1"; do sleep 0.2; done
}

# Whether somebody is connected to a server.
is_asked() {
  grep -Eqs "^ *[0-9]+: 0100007F:$(printf '%04X' "$(port_of "$1")") [0-9A-F]+:[0-9A-F]{4} 01 " /proc/net/tcp
}

# upstream NAME SERVERS...
upstream() {
  local name
  printf '  upstream %s {\n    least_conn;\n' "$1"
  # A server that is gone refuses at once, and the next one is asked: none need be shunned.
  for name in "${@:2}"; do printf '    server 127.0.0.1:%s max_fails=0;\n' "$(port_of "$name")"; done
  # Shorter than DaCHS keeps connections: it never closes one that is just being used.
  printf '    keepalive 32;\n    keepalive_timeout 2s;\n  }\n'
}

# All servers, and for each one all others.
upstreams() {
  local name
  local -a names others
  mapfile -t names < <(wanted_servers)
  upstream servers "${names[@]}"
  for name in "${names[@]}"; do
    mapfile -t others < <(wanted_servers | grep -vx "$name")
    upstream "without-$name" "${others[@]}"
  done
}

choices() {
  local name
  for name in $(wanted_servers); do
    printf '    if (-f %s/nginx/resting/%s) { set $servers without-%s; }\n' "$folder" "$name" "$name"
  done
}

# One worker has no trouble with thousands of requests a second, and knows of all when it looks
# for the server that has least to do. Answers are passed on as fast as clients take them, none
# is written to disk but those that are kept: files that never change by themselves, and
# pictures, which may be out of date for a minute. Who shows a password or a cookie is answered
# by DaCHS itself. What was sent to a server that dies is asked of another, but for POST.
proxy_settings() {
  cat <<END
# Written by deploy/up at each start.
worker_processes 1;
worker_rlimit_nofile 8192;
working_directory $folder/nginx;
pid $folder/run/nginx.pid;
error_log $folder/nginx/error.log warn;
events { worker_connections 4000; }
http {
  include /etc/nginx/mime.types;
  log_format told '\$remote_addr - \$remote_user [\$time_local] "\$request" \$status \$body_bytes_sent '
    '"\$http_referer" "\$http_user_agent" "\$http_x_forwarded_for" '
    '\$upstream_addr \$upstream_status \$request_time \$upstream_cache_status';
  access_log $folder/nginx/access.log told;
  client_body_temp_path $folder/nginx/bodies;
  proxy_temp_path $folder/nginx/answers;
  fastcgi_temp_path $folder/nginx/unused;
  uwsgi_temp_path $folder/nginx/unused;
  scgi_temp_path $folder/nginx/unused;
  proxy_cache_path $folder/nginx/kept levels=1:2 keys_zone=kept:4m max_size=256m inactive=1d
    use_temp_path=off;
  server_tokens off;
$(upstreams)
  server {
    listen $(proxy_address);
    set \$servers servers;
$(choices)
    client_max_body_size $(own_setting maxUploadSize $most_bytes);
    large_client_header_buffers 4 32k;
    send_timeout 300s;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host \$http_host;
    proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
    # DaCHS would believe it.
    proxy_set_header X-Forwarded-Host "";
    proxy_pass_header Server;
    # Whoever waits for a job of TAP to go on hears nothing for up to ten minutes.
    proxy_read_timeout 900s;
    proxy_send_timeout 300s;
    proxy_buffer_size 32k;
    proxy_buffers 16 32k;
    proxy_busy_buffers_size 64k;
    proxy_max_temp_file_size 0;
    proxy_next_upstream error;
    location / {
      proxy_pass http://\$servers;
    }
    location ~ ^/(static|vospec/q/web/static|vospec/q/preview/custom)/ {
      proxy_pass http://\$servers;
      # Everybody gets what is kept, also who takes nothing compressed.
      proxy_set_header Accept-Encoding "";
      proxy_cache kept;
      proxy_cache_key \$request_uri;
      proxy_cache_valid 200 1m;
      proxy_ignore_headers Cache-Control Expires;
      proxy_cache_revalidate on;
      proxy_cache_lock on;
      proxy_cache_lock_age 60s;
      proxy_cache_lock_timeout 60s;
      proxy_cache_use_stale updating;
      proxy_cache_bypass \$http_authorization \$http_cookie;
      proxy_no_cache \$http_authorization \$http_cookie;
      add_header X-Cache \$upstream_cache_status always;
      gzip on;
      gzip_vary on;
      gzip_types text/css text/javascript application/javascript image/svg+xml;
    }
  }
}
END
}

proxy_address() {
  local address
  address=$(own_setting bindAddress 127.0.0.1)
  [[ $address != *:* ]] || address="[$address]"
  printf '%s:%s' "$address" "$port"
}
