#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The layers of the program, as tables. Every file belongs to one layer and may include its own
# header and lower layers; between files of one layer only the arrows below are allowed. Libraries
# are known to the files named for them, and the core does no I/O. Prints offenders as file:line:
# and exits 1.
#
# A family has its headers in common: agent/plan.h and agent/plan_*.h belong to agent/plan.c and
# agent/plan_*.c, and the headers of a sub-folder to all of its files.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70
export LC_ALL=C.UTF-8

# layer  pattern of paths; the first that fits counts
#   0 base: no word of the domain          3 core: pure; no clock, socket, log or file
#   1 data: plain structs                  4 adapters: each knows one thing outside
#   2 contracts: name no implementation    5 loop: one cycle, step by step     6 shell
layers='
0 include/pgvigil/error.h
0 include/pgvigil/mem.h
0 include/pgvigil/log.h
0 include/pgvigil/text.h
0 include/pgvigil/time.h
0 include/pgvigil/banned.h
0 include/pgvigil/failpoint.h
0 include/pgvigil/digest.h
0 include/pgvigil/sort.h
0 agent/base/*
1 include/pgvigil/oid.h
1 include/pgvigil/catalog.h
1 include/pgvigil/rule.h
1 include/pgvigil/batch.h
1 include/pgvigil/summary*.h
1 include/pgvigil/budget.h
1 include/pgvigil/result.h
1 include/pgvigil/event.h
1 agent/catalog.c
1 agent/event.c
1 agent/phrase*
1 agent/template*
1 agent/summary/*
1 agent/result*.c
1 agent/message*
2 include/pgvigil/check.h
2 include/pgvigil/ports.h
2 include/pgvigil/store.h
2 include/pgvigil/store_calibration.h
2 include/pgvigil/store_turns.h
2 include/pgvigil/store_onsets.h
2 include/pgvigil/store_retraining.h
2 include/pgvigil/store_telling.h
3 checks/*
3 agent/alert*
3 agent/backtest*
3 agent/budget/*
3 agent/checksum*
3 agent/inject*
3 agent/judge*
3 agent/plan*
3 agent/profile*
3 agent/rank*
3 agent/reference*
3 agent/rehearse*
3 agent/retrain*
3 agent/settle*
3 agent/sketch*
3 agent/sql*
3 agent/story*
3 agent/suggest*
3 agent/tally*
3 agent/window*
4 agent/clock*
4 agent/config/*
4 agent/deliver/*
4 agent/http/*
4 agent/metrics/*
4 agent/pg/*
4 agent/receivers/*
4 agent/run/*
4 agent/rules/*
4 agent/secret*
4 agent/store/*
4 agent/triggers/*
4 agent/web/*
4 agent/yaml/*
4 agent/zone*
5 agent/loop/*
6 agent/main.c
6 agent/commands/*
'

# family -> family of the same layer, or of the layer it must otherwise not know
arrows='
checks/check -> checks/ask
checks/check -> checks/format
checks/check -> checks/stat
checks/ask -> agent/sql
agent/backtest -> agent/inject
agent/backtest -> agent/rehearse
agent/backtest -> agent/window
agent/budget -> agent/window
agent/budget -> checks/stat
agent/inject -> agent/sql
agent/plan -> agent/checksum
agent/plan -> agent/sql
agent/plan -> agent/tally
agent/profile -> agent/sql
agent/profile -> agent/tally
agent/profile -> agent/window
agent/profile -> checks/format
agent/rank -> checks/stat
agent/reference -> agent/window
agent/plan -> agent/reference
agent/rehearse -> agent/settle
agent/retrain -> agent/settle
agent/retrain -> agent/window
agent/settle -> agent/alert
agent/settle -> agent/rank
agent/suggest -> agent/profile
agent/suggest -> agent/rehearse
agent/suggest -> agent/sql
agent/config -> agent/http
agent/config -> agent/pg
agent/config -> agent/secret
agent/config -> agent/triggers
agent/config -> agent/yaml
agent/config -> agent/zone
agent/deliver -> agent/clock
agent/deliver -> agent/receivers
agent/deliver -> agent/secret
agent/deliver -> agent/triggers
agent/http -> agent/clock
agent/pg -> agent/clock
agent/pg -> agent/secret
agent/rules -> agent/sql
agent/rules -> agent/yaml
agent/rules -> agent/zone
agent/run -> agent/clock
agent/triggers -> agent/receivers
agent/triggers -> agent/yaml
agent/web -> agent/metrics
agent/web -> agent/retrain
agent/yaml -> agent/secret
agent/yaml -> agent/sql
agent/yaml -> agent/zone
'

# library header -> files that may know it
libraries='
yaml.h          agent/yaml/yaml.c
libpq-fe.h      agent/pg/*
curl/*          agent/http/*
sqlite3.h       agent/store/sqlite*
microhttpd.h    agent/web/web.c
gsl/*           checks/stat_*.c
gsl/gsl_errno.h agent/main.c
glib.h          agent/zone.c
xxhash.h        agent/base/hash.c
jansson.h       agent/message*.c
jansson.h       agent/receivers/*
jansson.h       agent/triggers/*
jansson.h       agent/commands/*
jansson.h       agent/main.c
'

# What the core may use of C itself; the other layers may use all of C and POSIX.
pure='assert ctype errno float inttypes limits math stdalign stdarg stdbool stddef stdint stdio
stdlib stdnoreturn string strings'
system="$pure
alloca arpa/inet dirent endian execinfo fcntl fnmatch getopt ifaddrs libgen linux/openat2 locale
net/if netdb netinet/in netinet/tcp poll pthread pwd sched setjmp signal spawn stdatomic sys/epoll
sys/eventfd sys/file sys/ioctl sys/mman sys/prctl sys/random sys/resource sys/signalfd sys/socket
sys/stat sys/syscall sys/time sys/timerfd sys/types sys/uio sys/un sys/wait syslog time unistd"

bad=0
fault() { printf '%s\n' "$*"; bad=1; }

declare -A known_layers
layer_of() { # FILE: its layer, or none, in REPLY
	local layer pattern
	REPLY=${known_layers[$1]-}
	[ -z "$REPLY" ] || return
	REPLY=none
	while read -r layer pattern; do
		# shellcheck disable=SC2053  # the right side is a pattern
		[[ -n $layer && $1 == $pattern ]] && { REPLY=$layer; break; }
	done <<<"$layers"
	known_layers[$1]=$REPLY
}

# agent/plan_bind.c -> agent/plan, agent/pg/copy.c -> agent/pg, include/pgvigil/x.h -> agent/x
family_of() { # FILE: its family in REPLY
	local f=${1/#include\/pgvigil\//agent/}
	case $f in
	agent/*/*) f=${f%/*} ;;
	*) f=${f%.[ch]}; f=${f%%_*} ;;
	esac
	REPLY=$f
}

may_know() { # FILE LIBRARY-HEADER
	local header pattern
	while read -r header pattern; do
		# shellcheck disable=SC2053
		[[ -n $header && $2 == $header && $1 == $pattern ]] && return
	done <<<"$libraries"
	return 1
}

has_word() { # WORD LIST
	[[ " ${2//$'\n'/ } " == *" $1 "* ]]
}

check_own() { # FILE LINE HEADER: an #include "..."
	local file=$1 line=$2 header=$3 path mine theirs from to
	for path in "$header" "include/$header"; do [ -e "$path" ] && break; done
	[ -e "$path" ] || { fault "$file:$line: there is no $header"; return; }
	[[ $path == *.def ]] && return
	layer_of "$file"; mine=$REPLY
	layer_of "$path"; theirs=$REPLY
	[ "$theirs" != none ] || { fault "$path:1: belongs to no layer: see the table in $0"; return; }
	family_of "$file"; from=$REPLY
	family_of "$path"; to=$REPLY
	[ "$from" = "$to" ] && return
	[[ $arrows == *$'\n'"$from -> $to"$'\n'* ]] && return
	[ "$mine" -eq 6 ] && return
	if [ "$theirs" -gt "$mine" ]; then
		fault "$file:$line: layer $mine includes $header of layer $theirs"
	elif [ "$mine" -eq 5 ] && [ "$theirs" -eq 4 ]; then
		fault "$file:$line: the loop includes the adapter $header"
	elif [ "$mine" -eq 4 ] && [ "$theirs" -eq 3 ]; then
		fault "$file:$line: an adapter includes $header of the core"
	elif [ "$theirs" -eq "$mine" ] && [ "$mine" -ge 3 ]; then
		fault "$file:$line: $header is of the same layer, without an arrow $from -> $to"
	fi
}

check_library() { # FILE LINE HEADER: an #include <...>
	local file=$1 line=$2 header=$3 layer
	layer_of "$file"; layer=$REPLY
	if has_word "${header%.h}" "$system"; then
		[ "$layer" -ne 3 ] || has_word "${header%.h}" "$pure" ||
			fault "$file:$line: the core includes <$header>"
	elif ! may_know "$file" "$header"; then
		fault "$file:$line: <$header> is not for this file"
	fi
}

mapfile -t files < <(find agent checks include -name '*.[ch]' | sort)
core=()
for file in "${files[@]}"; do
	layer_of "$file"
	[ "$REPLY" != none ] || fault "$file:1: belongs to no layer: see the table in $0"
	[ "$REPLY" != 3 ] || core+=("$file")
	read -r first <"$file"
	[[ $first == *'SPDX-License-Identifier: GPL-3.0-or-later'* ]] ||
		fault "$file:1: does not begin with its licence"
	case ${file##*/} in
	*alertmanager*) ;; # the name of a system
	*util* | *common* | *misc* | *helper* | *manager*) fault "$file:1: says nothing by its name" ;;
	esac
done
while IFS=: read -r file line text; do
	layer_of "$file"
	[ "$REPLY" = none ] && continue
	case $text in
	*'"'*) text=${text#*\"}; check_own "$file" "$line" "${text%%\"*}" ;;
	*'<'*) text=${text#*<}; check_library "$file" "$line" "${text%%>*}" ;;
	esac
done < <(grep -HnE '^[[:space:]]*#[[:space:]]*include\>' "${files[@]}")

# What includes failpoint.h differs in test builds, nothing else does: the Makefile counts on it.
while IFS=: read -r file line _; do
	fault "$file:$line: failpoints are for source files, by failpoint.h"
done < <(grep -HnE '^[[:space:]]*#[[:space:]]*include\>.*failpoint\.h' include/pgvigil/*.h \
	agent/*.h agent/*/*.h checks/*.h /dev/null
	grep -HnF VG_FAILPOINTS "${files[@]}" | grep -v '/failpoint\.[ch]:')

# The core keeps nothing between calls: no static that can change, no log line.
while IFS=: read -r file line _; do
	fault "$file:$line: a variable of the core that can change"
done < <(grep -HnE '^[[:space:]]*static\>[^()]*(;|=|\[)' "${core[@]}" /dev/null |
	grep -vE ':[[:space:]]*static (const\>|.*\*const\>|inline\>)')
while IFS=: read -r file line _; do
	fault "$file:$line: the core logs or prints"
done < <(grep -HnE '\<(vg_log|printf|fprintf|puts|fopen|time|clock_gettime|getenv) ?\(' \
	"${core[@]}" /dev/null | grep -v '^agent/alert.*fprintf')

[ $bad -ne 0 ] || echo "layers: ${#files[@]} files, each in its place"
exit $bad
