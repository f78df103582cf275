# complete.zsh SCRIPT WORD…: what zsh offers for the last word, each on a line. It types into a zsh of its own.
zmodload zsh/zpty
script=$1
shift
zpty inner "FOLDER=${script:h} zsh -f -i"
zpty -w inner "source ${0:A:h}/inner.zsh"
zpty -r inner greeting '*READY*'
zpty -w -n inner "$*"$'\t'
said=
while zpty -r inner chunk; do
  said+=$chunk
  [[ $said == *ENDED* ]] && break
done
print -r -- "$said" | tr -d '\r' | sed -n 's/^OFFER://p'
