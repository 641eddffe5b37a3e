"""Scripts with which a shell completes the command line, made of its tree. Pure."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from speakerd.commands.tree import Command, commands


def completion(shell: str, parser: argparse.ArgumentParser, keys: Sequence[str]) -> str:
    """The script for bash or zsh; `keys` are those of the settings."""
    known = list(commands(parser))
    cases = "\n".join(_case(command, known, keys) for command in known)
    return (_BASH if shell == "bash" else _ZSH).replace("CASES", cases)


def _case(command: Command, known: Iterable[Command], keys: Sequence[str]) -> str:
    """What may follow a command, and after which of its options a file does."""
    offered = [other.words[-1] for other in known if other.words and other.words[:-1] == command.words]
    files = []
    for option in command.options:
        flags = [flag for flag in option.option_strings if flag.startswith("--")]
        offered += flags or _choices(option, keys)
        files += flags if option.type is Path else []
    return f'    "{" ".join(command.words)}") offered="{" ".join(offered)}" files="{" ".join(files)}" ;;'


def _choices(option: argparse.Action, keys: Sequence[str]) -> list[str]:
    """What an argument may be, as far as it is a fixed word."""
    if option.metavar == "KEY":
        return list(keys)
    if option.choices is not None:
        return [str(choice) for choice in option.choices]
    return [word for word in str(option.metavar or "").split("|") if word.islower()]


_BASH = r"""# bash completion for speakerd
_speakerd() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} typed="" word offered="" files="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == -* ]] && continue
    _speakerd_words "${typed:+$typed }$word" && typed="${typed:+$typed }$word"
  done
  _speakerd_words "$typed"
  if [[ " $files " == *" $before "* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$current")
  fi
}

_speakerd_words() {
  case $1 in
CASES
    *) return 1 ;;
  esac
}

complete -F _speakerd speakerd
"""

_ZSH = r"""#compdef speakerd
_speakerd() {
  local before=${words[CURRENT-1]} typed="" word offered="" files="" i
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    [[ $word == -* ]] && continue
    _speakerd_words "${typed:+$typed }$word" && typed="${typed:+$typed }$word"
  done
  _speakerd_words "$typed"
  if [[ " $files " == *" $before "* ]]; then
    _files
  else
    compadd -- ${=offered}
  fi
}

_speakerd_words() {
  case $1 in
CASES
    *) return 1 ;;
  esac
}

if [ "$funcstack[1]" = "_speakerd" ]; then
  _speakerd "$@"
else
  compdef _speakerd speakerd
fi
"""
