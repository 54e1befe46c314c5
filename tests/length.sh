#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sizes that keep code readable, for every C file; prints offenders as file:line: and exits 1.
#   file        at most 500 lines, no line over 100 columns; those of a check below 120
#   function    at most 80 lines; of the program's functions the median at most 20, and nine in ten
#               at most 50; at most 6 parameters beside the error's place; control structures nested
#               at most 3 deep
# Functions and their parameters come from universal-ctags. Nesting is read off the indentation of
# control keywords, which clang-format keeps to four columns a level.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70
export LC_ALL=C.UTF-8
bad=0
fault() { printf '%s\n' "$*"; bad=1; }

mapfile -t files < <(find agent checks include tests -name '*.[ch]' | sort)
mapfile -t scripts < <(find tests .ci Makefile -name __pycache__ -prune -o \
	-type f \( -name '*.py' -o -name Makefile -o -perm -u+x \) -print | sort)
[ ${#files[@]} -gt 0 ] || { echo "no C files below $PWD"; exit 1; }

for f in "${files[@]}" "${scripts[@]}"; do
	lines=$(wc -l <"$f")
	most=500
	[[ $f != checks/check_*.c ]] || most=119
	[ "$lines" -le $most ] || fault "$f:$lines: file has $lines lines, at most $most"
done
while IFS=: read -r f line _; do
	fault "$f:$line: line is longer than 100 columns"
done < <(grep -HnE '^.{101,}' "${files[@]}" "${scripts[@]}")
while IFS=: read -r f line _; do
	fault "$f:$line: nested more than 3 deep"
done < <(grep -HnE '^ {16,}(if|for|while|switch|do|else)\>|^ {16,}\} else\>' "${files[@]}")

# path, line, last line, number of parameters: tab-separated, one function a row
functions=$(ctags --languages=C --langmap=C:.c.h --kinds-C=f --fields=neS --sort=no \
	--output-format=u-ctags -f - "${files[@]}" | awk -F '\t' '
	/^!/ { next }
	{
		line = last = 0; signature = ""
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) line = substr($i, 6)
			if ($i ~ /^end:/) last = substr($i, 5)
			if ($i ~ /^signature:/) signature = substr($i, 11)
		}
		depth = 0; n = 1                  # commas at depth 1 stand between parameters
		for (i = 1; i <= length(signature); i++) {
			c = substr(signature, i, 1)
			if (c == "(") depth++
			if (c == ")") depth--
			if (c == "," && depth == 1) n++
		}
		if (signature ~ /^\((void)?\)/) n = 0
		if (signature ~ /\.\.\.\)$/) n--              # one thing with the format before it
		if (signature ~ /struct vg_error *\* *[a-z_]+\)$/) n-- # where every function puts its error
		print $2 "\t" line "\t" last "\t" n "\t" $1
	}')
[ -n "$functions" ] || { echo "ctags found no function"; exit 1; }

while IFS=$'\t' read -r f line last params name; do
	length=$((last - line + 1))
	[ "$length" -le 80 ] || fault "$f:$line: $name has $length lines, at most 80"
	[ "$params" -le 6 ] || fault "$f:$line: $name has $params parameters, at most 6"
done <<<"$functions"

mapfile -t lengths < <(grep -v '^tests/' <<<"$functions" |
	awk -F '\t' '{ print $3 - $2 + 1 }' | sort -n)
n=${#lengths[@]}
if [ "$n" -gt 0 ]; then
	median=${lengths[$(((n - 1) / 2))]}
	p90=${lengths[$((((9 * n) + 9) / 10 - 1))]}
	[ "$median" -le 20 ] || fault "agent: the median function has $median lines, at most 20"
	[ "$p90" -le 50 ] || fault "agent: one function in ten has $p90 lines or more, at most 50"
	echo "length: ${#files[@]} files, $n functions of the program," \
		"median $median, p90 $p90, longest ${lengths[$((n - 1))]} lines"
fi
exit $bad
