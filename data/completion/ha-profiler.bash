# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for bash: the command itself says what a word may become.
_ha_profiler() {
  local line
  COMPREPLY=()
  case "${COMP_WORDS[COMP_CWORD-1]}" in
    --output | --output-dir)
      compopt -o default
      return
      ;;
  esac
  while IFS=$'\t' read -r line _; do
    COMPREPLY+=("$line")
  done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _ha_profiler ha-profiler
