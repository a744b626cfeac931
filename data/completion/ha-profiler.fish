# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for fish: the command itself says what a word may become.
function __ha_profiler_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete -- $words[2..] 2>/dev/null
end
complete -c ha-profiler -f -a '(__ha_profiler_complete)'
complete -c ha-profiler -l output -r -F
complete -c ha-profiler -l output-dir -r -F
