# shellcheck shell=bash
# Figures: each said when it is measured and kept as JSON, beside what is aimed at; to be sourced after $OUT, a
# directory, is set. What is measured of processes, too.

# figure NAME VALUE UNIT [TARGET: a jq condition on the value, and its words] [DETAIL: JSON]
figure() {
	jq -nc --arg name "$1" --argjson value "$2" --arg unit "$3" --arg target "${5:-}" \
		--argjson detail "${6:-null}" \
		'{name: $name, value: $value, unit: $unit, target: $target,
			met: '"${4:-null}"', detail: $detail}' >>"$OUT/figures"
	printf '    %-66s %10s %-9s %s\n' "$1" "$2" "$3" "${5:-}" >&2
}

# Microseconds.
now() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# calc EXPRESSION: of awk, to a number that is short to read.
calc() {
	awk "BEGIN { printf \"%.6g\", $1 }"
}

# Of the JSON objects in a file: the median of one field.
median() {
	jq -s "[.[] | $2] | sort | if length == 0 then null else .[length / 2 | floor] end" "$1"
}

# cpu_of PID...: seconds of CPU time that they have had together; user_cpu_of: outside of the kernel.
cpu_of() {
	awk -v ticks="$(getconf CLK_TCK)" '{ sum += $14 + $15 } END { print sum / ticks }' \
		"${@/*//proc/&/stat}"
}

user_cpu_of() {
	awk -v ticks="$(getconf CLK_TCK)" '{ sum += $14 } END { print sum / ticks }' \
		"${@/*//proc/&/stat}"
}

# All figures as a table.
report() {
	jq -rs '.[] | [.name, (.value | tostring), .unit, .target,
		(if .met == null then "" elif .met then "met" else "MISSED" end)] | @tsv' "$OUT/figures" |
		awk -F '\t' '
			BEGIN { printf "%-66s %10s %-11s %-12s\n", "what", "measured", "", "target" }
			{ printf "%-66s %10s %-11s %-12s %s\n", $1, $2, $3, $4, $5 }'
}
