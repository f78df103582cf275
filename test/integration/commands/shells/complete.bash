# complete.bash SCRIPT WORD…: what bash offers for the last word, each on a line.
source /usr/share/bash-completion/bash_completion
source "$1"
shift
complete -p "$1" >/dev/null || exit 1
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
_vpc_router "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
