# An interactive zsh that says what it would offer, and ends.
PROMPT=
autoload -Uz compinit
fpath=($FOLDER $fpath)
compinit -D -u
bindkey '^I' complete-word
ended() { print -r -- ENDED; exit }
comppostfuncs=(ended)
compadd() {
  # Called to look something up, not to offer it.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return $?
  fi
  typeset -a offers
  builtin compadd -A offers "$@"
  (( $#offers )) && print -rl -- '' OFFER:${^offers}
  return 0
}
print READY
