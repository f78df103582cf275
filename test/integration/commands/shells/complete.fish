# complete.fish SCRIPT WORD…: what fish offers for the last word, each on a line, without descriptions.
source $argv[1]
complete -C (string join -- ' ' $argv[2..]) | string split -f1 \t
# What it ends with says only whether there was a tab.
exit 0
